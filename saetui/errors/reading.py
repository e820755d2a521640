"""The token set read in float64 chunks small enough for a cache, without the rows that are not finite."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.errors.statistics import Predictors
from saetui.errors.token_set import ErrorBatch, Excluded, ReadContexts, check_shapes, finite_rows

# Float64 numbers of one kind held at a time: 8 MB.
_CHUNK_ELEMENTS = 1 << 20
_LEAST_ROWS = 64


@dataclass(frozen=True)
class Chunk:
    """Some rows in float64; ``shifted`` is what ``Predictors.shifted`` makes of the activations."""

    rows: ErrorBatch
    x: Float[Tensor, "n d"]
    shifted: Float[Tensor, "n d"]
    errors: Float[Tensor, "n sae d"]

    def __len__(self) -> int:
        return len(self.rows)


class ChunkReader:
    """Reads contexts, any number of times; knows the SAEs' names once it has read a batch."""

    def __init__(
        self,
        read: ReadContexts,
        predictors: Predictors,
        *,
        n_contexts: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._read, self._predictors = read, predictors
        self._done, self._total, self._progress = 0, n_contexts, progress
        self.names: list[str] = []
        self.excluded = Excluded()

    def __call__(self, contexts: Int[Tensor, " m"], *, again: bool = False) -> Iterator[Chunk]:
        """Chunks of these contexts; what is excluded is not counted ``again``."""
        start, seen = self._done, 0
        for batch in self._read(contexts):
            self.names = self.names or list(batch.reconstructions)
            check_shapes(batch, self.names)
            finite, excluded = finite_rows(batch)
            if not again:
                self.excluded += excluded
            size = max(_LEAST_ROWS, _CHUNK_ELEMENTS // (len(self.names) * batch.activations.shape[1]))
            for at in range(0, len(finite), size):
                rows = finite[at : at + size]
                x = rows.activations.double()
                errors = torch.stack([x - rows.reconstructions[name] for name in self.names], dim=1)
                yield Chunk(rows, x, self._predictors.shifted(x), errors)
            seen += len(torch.unique(batch.context))
            self._report(min(start + seen, start + len(contexts)))
        self._report(start + len(contexts))

    def _report(self, done: int) -> None:
        self._done = done
        if self._progress is not None:
            self._progress(done, self._total)
