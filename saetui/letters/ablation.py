"""The model run again without single latents at the word: what their removal really changes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.letters.prompts import WORD_POSITION
from saetui.letters.readings import best_rivals, letter_margins
from saetui.letters.word_batches import WordBatch, word_batches
from saetui.sae.base import FIRING

if TYPE_CHECKING:
    from saetui.lm import LanguageModel
    from saetui.sae import SAE


@dataclass(frozen=True)
class Ablations:
    """One row for each word and latent, words in their order."""

    words: Int[Tensor, " row"]
    latents: Int[Tensor, " row"]
    effects: Float[Tensor, " row"]
    """Change of the margin in logits; 0 for a latent that does not fire on the word."""
    margins: Float[Tensor, " row"]
    """Logit of the right letter minus the mean of the 25 others, without the latent."""
    answers: Int[Tensor, " row"]
    """The letter that the model names without the latent: 0 for A … 25 for Z."""
    clean_margins: Float[Tensor, " row"]
    """The word's margin with nothing removed."""
    rivals: Int[Tensor, " row"]
    """The best of the 25 other letters without the latent, 0 for A."""
    rival_leads: Float[Tensor, " row"]
    """Logits by which the right letter leads that one; below 0 the model names the rival."""
    clean_rivals: Int[Tensor, " row"]
    clean_rival_leads: Float[Tensor, " row"]
    """The same with nothing removed."""


def exact_ablations(
    model: LanguageModel,
    sae: SAE,
    hook_name: str,
    tokens: Int[Tensor, "word position"],
    letters: Int[Tensor, " word"],
    latents: list[list[int]] | None = None,
    *,
    position: int = WORD_POSITION,
    batch_size: int | None = None,
) -> Ablations:
    """Remove what each latent writes at ``position`` and run the model from there; results are on the CPU.

    ``latents`` are each word's own; by default all that fire on it. ``batch_size`` is in words. Raises what
    ``word_effects`` raises, and ValueError where ``latents`` are not one list per word or not of this SAE.
    """
    if latents is not None:
        _check_latents(latents, len(tokens), sae.d_sae)
    rows = [_NOTHING]
    start = 0
    for batch in word_batches(model, sae, hook_name, tokens, letters, position=position, batch_size=batch_size):
        chosen = None if latents is None else latents[start : start + len(batch)]
        rows.append(_ablate(batch, chosen, start))
        start += len(batch)
    columns = ([getattr(part, field.name).cpu() for part in rows] for field in fields(Ablations))
    return Ablations(*map(torch.cat, columns))


_NONE, _NOWHERE = torch.zeros(0, dtype=torch.long), torch.zeros(0)
_NOTHING = Ablations(_NONE, _NONE, _NOWHERE, _NOWHERE, _NONE, _NOWHERE, _NONE, _NOWHERE, _NONE, _NOWHERE)


def _ablate(batch: WordBatch, latents: list[list[int]] | None, start: int) -> Ablations:
    parts = batch.parts
    fires = parts.values > FIRING
    if latents is None:
        words, slots = fires.nonzero(as_tuple=True)
        names = parts.indices[words, slots]
    else:
        device = parts.x.device
        words = torch.tensor([i for i, own in enumerate(latents) for _ in own], dtype=torch.long, device=device)
        names = torch.tensor([latent for own in latents for latent in own], dtype=torch.long, device=device)
        found = (parts.indices[words] == names[:, None]) & fires[words]
        # A latent that does not fire on its word has no slot there.
        slots = torch.where(found.any(1), found.long().argmax(1), -1)
    every = torch.arange(len(batch), device=parts.x.device)
    clean, logits = batch.logits_without(every, torch.full_like(every, -1))[words], batch.logits_without(words, slots)
    letters = batch.letters[words]
    margins, clean_margins = letter_margins(logits, letters), letter_margins(clean, letters)
    return Ablations(
        words + start,
        names,
        margins - clean_margins,
        margins,
        logits.argmax(1),
        clean_margins,
        *best_rivals(logits, letters),
        *best_rivals(clean, letters),
    )


def _check_latents(latents: list[list[int]], n_words: int, d_sae: int) -> None:
    if len(latents) != n_words:
        raise ValueError(f"{n_words} words need as many lists of latents, not {len(latents)}")
    outside = [latent for own in latents for latent in own if not 0 <= latent < d_sae]
    if outside:
        raise ValueError(f"the SAE has no latent {outside[0]}: it has {d_sae}, counted from 0")
