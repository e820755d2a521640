"""The token set read in chunks small enough for a cache, without the rows that are not finite."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.dark_matter.token_set import ErrorBatch, Excluded, ReadContexts, check_shapes, finite_rows
from saetui.regression.scratch import Scratch
from saetui.regression.statistics import Predictors

# Numbers of one kind held at a time: 2 MB of float64 for a CPU's cache, 512 MB on a GPU.
_CPU_ELEMENTS, _GPU_ELEMENTS = 1 << 18, 1 << 26
_LEAST_ROWS = 64


@dataclass(frozen=True)
class Chunk:
    """Some rows, until the next chunk is read."""

    rows: ErrorBatch
    x: Float[Tensor, "n d"]
    """Activations, float64."""
    shifted: Float[Tensor, "n d"]
    """What ``Predictors.shifted`` makes of them, float64."""
    errors: Float[Tensor, "n sae d"]
    """Float32, or float64 where the activations are: no digits are lost that they had."""

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
        self._scratch = {dtype: Scratch(dtype) for dtype in (torch.float32, torch.float64)}
        self._wide = Scratch()
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
            elements = _CPU_ELEMENTS if batch.activations.device.type == "cpu" else _GPU_ELEMENTS
            size = max(_LEAST_ROWS, elements // (len(self.names) * batch.activations.shape[1]))
            for at in range(0, len(finite), size):
                yield self._chunk(finite[at : at + size])
            seen += len(torch.unique(batch.context))
            self._report(min(start + seen, start + len(contexts)))
        self._report(start + len(contexts))

    def _chunk(self, rows: ErrorBatch) -> Chunk:
        x = rows.activations
        dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
        errors = self._scratch[dtype](len(rows), len(self.names), x.shape[1], device=x.device)
        for i, name in enumerate(self.names):
            torch.sub(x.to(dtype), rows.reconstructions[name].to(dtype), out=errors[:, i])
        wide = self._wide.copy(x)
        return Chunk(rows, wide, self._predictors.shifted(wide), errors)

    def _report(self, done: int) -> None:
        self._done = done
        if self._progress is not None:
            self._progress(done, self._total)
