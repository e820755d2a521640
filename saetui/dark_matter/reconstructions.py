"""A corpus read out of a model once for several SAEs: activations and reconstructions, kept while there is room."""

from collections.abc import Iterator, Mapping

import torch
from jaxtyping import Int
from torch import Tensor

from saetui.dark_matter.token_set import ErrorBatch, TokenSet
from saetui.lm import LanguageModel, TokenizedCorpus, harvest
from saetui.sae import SAE
from saetui.sae.base import FIRING

KEPT_BYTES = 2 << 30
# About so many tokens go through the model at once.
_BATCH_TOKENS = 4096


class Reconstructions:
    """Called with contexts, gives their tokens in batches, as ``decompose_errors`` reads them.

    What is read stays in memory, up to ``kept_bytes``, and is not computed again. Special tokens, padding and positions
    before ``first_position`` are left out. Raises ValueError, naming both, for SAEs of different hook points, and
    HookPointError for an SAE that does not fit the model.
    """

    def __init__(
        self,
        model: LanguageModel,
        corpus: TokenizedCorpus,
        saes: Mapping[str, SAE],
        *,
        hook_name: str | None = None,
        first_position: int = 0,
        batch_size: int | None = None,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._model, self._corpus = model, corpus
        self.hook_name = common_hook_name(saes, hook_name)
        for sae in saes.values():
            model.check_width(self.hook_name, sae.d_in)
        self._saes = {name: sae.to(model.device) for name, sae in saes.items()}
        self._first_position = first_position
        self._batch_size = batch_size or max(1, _BATCH_TOKENS // corpus.context_length)
        self._kept: dict[tuple[int, ...], list[ErrorBatch]] = {}
        self._free_bytes = kept_bytes

    @property
    def token_set(self) -> TokenSet:
        since = f" from position {self._first_position}" if self._first_position else ""
        return TokenSet(tokens=f"{self._corpus.corpus_id}{since}", hook_name=self.hook_name)

    def __call__(self, contexts: Int[Tensor, " m"]) -> Iterator[ErrorBatch]:
        for rows in torch.split(contexts.cpu(), self._batch_size):
            key = tuple(rows.tolist())
            batches = self._kept.get(key)
            if batches is None:
                batches = list(self._read(rows))
                size = sum(_bytes(batch) for batch in batches)
                if size <= self._free_bytes:
                    self._free_bytes -= size
                    self._kept[key] = batches
            yield from batches

    @torch.no_grad()
    def _read(self, rows: Int[Tensor, " b"]) -> Iterator[ErrorBatch]:
        for harvested in harvest(self._model, self._corpus, self.hook_name, len(rows), rows):
            chosen = harvested.position >= self._first_position
            x = harvested.activations[self.hook_name][chosen]
            reconstructions, l0 = {}, {}
            for name, sae in self._saes.items():
                indices, values = sae.encode_sparse(x)
                reconstructions[name] = sae.decode_sparse(indices, values)
                l0[name] = (values > FIRING).sum(dim=1)
            yield ErrorBatch(
                activations=x,
                reconstructions=reconstructions,
                context=harvested.context[chosen],
                position=harvested.position[chosen],
                token_id=harvested.token_id[chosen],
                l0=l0,
            )


def common_hook_name(saes: Mapping[str, SAE], hook_name: str | None = None) -> str:
    """The hook point of all SAEs; ``hook_name`` speaks for those that do not say.

    Raises ValueError, naming both, where two differ, and where none is known.
    """
    if not saes:
        raise ValueError("there are no SAEs to measure; give at least one")
    known = {"the study": hook_name} if hook_name is not None else {}
    known |= {name: sae.hook_name for name, sae in saes.items() if sae.hook_name is not None}
    if not known:
        raise ValueError("no SAE says which hook point it was trained on; give hook_name")
    first, first_hook = next(iter(known.items()))
    for name, hook in known.items():
        if hook != first_hook:
            raise ValueError(
                f"{first} is at {first_hook}, but {name} at {hook}; errors are compared between SAEs of one hook point"
            )
    return first_hook


def _bytes(batch: ErrorBatch) -> int:
    tensors = [batch.activations, *batch.reconstructions.values()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
