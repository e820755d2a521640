"""The harvest: activations of a corpus read out of a model once, in a stream that many readers can share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.lm.language_model import LanguageModel
from saetui.lm.memory import halving
from saetui.lm.tokens import TokenizedCorpus

# About so many tokens go through the model at once.
_BATCH_TOKENS = 4096


@dataclass(frozen=True)
class HarvestBatch:
    """Activations of the counted tokens of some contexts, in reading order; all tensors on the model's device."""

    activations: dict[str, Float[Tensor, "n width"]]
    context: Int[Tensor, "n"]
    position: Int[Tensor, "n"]
    token_id: Int[Tensor, "n"]

    def __len__(self) -> int:
        return len(self.token_id)


def harvest(
    model: LanguageModel,
    corpus: TokenizedCorpus,
    hook_names: str | Sequence[str],
    batch_size: int | None = None,
    contexts: Sequence[int] | Int[Tensor, "m"] | None = None,
) -> Iterator[HarvestBatch]:
    """Stream the activations of a corpus at one or more hook points, in model units and float32.

    Special tokens and padding are left out; the forward pass ends after the last wanted hook point. ``batch_size`` is
    in contexts, and halved where memory runs out. ``contexts`` names the rows of the corpus to read, in that order;
    None reads all of them in order. Raises HookPointError at once for an unknown hook point, ModelError where memory is
    too little for one context.
    """
    names = [hook_names] if isinstance(hook_names, str) else list(hook_names)
    for name in names:
        model.site(name)
    if not names:
        raise ValueError("Name at least one hook point")
    rows = torch.arange(corpus.n_contexts) if contexts is None else torch.as_tensor(contexts, dtype=torch.long)
    size = batch_size if batch_size is not None else max(1, _BATCH_TOKENS // corpus.context_length)
    return halving(
        model.device,
        len(rows),
        size,
        lambda part: _read(model, corpus, names, rows[part]),
        thing="context",
        length=corpus.context_length,
        needs=f"a pass as far as {names[-1]} needs more",
    )


def _read(model: LanguageModel, corpus: TokenizedCorpus, names: list[str], rows: Int[Tensor, "b"]) -> HarvestBatch:
    tokens, mask = corpus.token_ids[rows], corpus.mask[rows]
    activations = model.activations_at(tokens, names, corpus.attention_mask(rows))
    row, position = (index.to(model.device) for index in mask.nonzero(as_tuple=True))
    return HarvestBatch(
        activations={name: values[row, position] for name, values in activations.items()},
        context=rows.to(model.device)[row],
        position=position,
        token_id=tokens.to(model.device)[row, position],
    )
