"""The activations that a training job reads: kept in memory where they fit, else harvested again in each epoch."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.lm.harvesting import harvest
from saetui.lm.language_model import LanguageModel
from saetui.lm.tokens import TokenizedCorpus

# A corpus whose activations take more than this is read out of the model again in every epoch.
KEPT_BYTES = 4 << 30
_CHUNK_TOKENS = 1 << 14


class ActivationStream:
    """Activations of a corpus at one hook point, in reading order, float32."""

    def __init__(
        self,
        model: LanguageModel,
        corpus: TokenizedCorpus,
        hook_name: str,
        *,
        batch_size: int | None = None,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self.n_tokens = corpus.n_tokens
        self._model, self._corpus = model, corpus
        self._hook_name, self._batch_size = hook_name, batch_size
        self._width = model.site(hook_name).width
        self._fits = self.n_tokens * self._width * 4 <= kept_bytes
        self._kept: Tensor | None = None

    def load(self, progress: Callable[[int, int], None]) -> None:
        """Read everything into memory, where it fits; ``progress`` gets the tokens read and their total."""
        if not self._fits:
            return
        kept = torch.empty(self.n_tokens, self._width)
        done = 0
        for chunk in self._read():
            kept[done : done + len(chunk)] = chunk
            done += len(chunk)
            progress(done, self.n_tokens)
        self._kept = kept

    def epoch(self) -> Iterator[Float[Tensor, "n d"]]:
        """All activations once."""
        return iter(torch.split(self._kept, _CHUNK_TOKENS)) if self._kept is not None else self._read()

    def epochs(self) -> Iterator[Float[Tensor, "n d"]]:
        """All activations again and again."""
        while True:
            yield from self.epoch()

    def _read(self) -> Iterator[Float[Tensor, "n d"]]:
        for batch in harvest(self._model, self._corpus, self._hook_name, batch_size=self._batch_size):
            yield batch.activations[self._hook_name]
