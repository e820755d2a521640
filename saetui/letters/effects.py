"""What removing each firing latent at the word does to the model's answer (2409.14507)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from saetui.letters.integrated_gradients import IG_STEPS, IGPath, IGRule, integrated_gradients
from saetui.letters.prompts import WORD_POSITION
from saetui.letters.readings import Progress
from saetui.letters.word_batches import WordBatch, word_batches
from saetui.sae.base import FIRING
from saetui.sae.geometry import folded_values

if TYPE_CHECKING:
    from saetui.lm import LanguageModel
    from saetui.sae import SAE

Attribution = Literal["ig", "exact"]


@dataclass(frozen=True)
class WordEffects:
    """Effects of the latents that fire on each word; rows are padded with activation 0 and effect 0."""

    indices: Int[Tensor, "word slot"]
    activations: Float[Tensor, "word slot"]
    """Times the norm of the decoder row, and so in units of the reconstruction."""
    effects: Float[Tensor, "word slot"]
    """Change of the margin when the latent is removed, in logits: negative where it supports the letter."""
    margins: Float[Tensor, " word"]
    """Logit of the right letter minus the mean of the 25 others, nothing removed."""


def word_effects(
    model: LanguageModel,
    sae: SAE,
    hook_name: str,
    tokens: Int[Tensor, "word position"],
    letters: Int[Tensor, " word"],
    *,
    position: int = WORD_POSITION,
    attribution: Attribution = "ig",
    steps: int = IG_STEPS,
    path: IGPath = "joint",
    rule: IGRule = "left",
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> WordEffects:
    """Effect of every latent that fires at ``position``, on the CPU.

    "ig" integrates gradients along a straight path of ``steps`` points from the activation to where the latents are
    zero: together with the SAE's error ("joint", as the paper's code does) or alone ("latents_only"). "exact" runs the
    model again for every latent, without what it writes. ``batch_size`` is in words; by default as many as keep the
    device busy. Raises LettersError where the model's answers are not single tokens, HookPointError where the SAE does
    not fit the hook point, ValueError for unknown settings and where there is not one letter per word.
    """
    for name, value, choices in (
        ("attribution", attribution, Attribution),
        ("path", path, IGPath),
        ("rule", rule, IGRule),
    ):
        if value not in get_args(choices):
            raise ValueError(f"{name} is one of {', '.join(get_args(choices))}, not {value!r}")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    found = []
    done = 0
    for batch in word_batches(model, sae, hook_name, tokens, letters, position=position, batch_size=batch_size):
        if attribution == "exact":
            effects, margins = _exact(batch)
        else:
            effects, margins = integrated_gradients(batch, steps, path, rule)
        found.append(WordEffects(batch.parts.indices, batch.parts.values, effects, margins))
        done += len(batch)
        if progress is not None:
            progress(done, len(tokens))
    return _joined(found, sae)


def _exact(batch: WordBatch) -> tuple[Float[Tensor, "word slot"], Float[Tensor, " word"]]:
    """Effects and clean margins with every firing latent removed by itself."""
    parts = batch.parts
    words, slots = (parts.values > FIRING).nonzero(as_tuple=True)
    margins = batch.clean_margins()
    without, _ = batch.without(words, slots)
    effects = torch.zeros_like(parts.values)
    effects[words, slots] = without - margins[words]
    return effects, margins


def _joined(batches: list[WordEffects], sae: SAE) -> WordEffects:
    """All batches on the CPU, activations folded."""
    if not batches:
        none = torch.zeros(0, 0)
        return WordEffects(none.long(), none, none, torch.zeros(0))
    width = max((batch.indices.shape[1] for batch in batches), default=0)

    def rows(name: str) -> Tensor:
        tensors = [getattr(batch, name) for batch in batches]
        return torch.cat([pad(t, (0, width - t.shape[1])) for t in tensors]).cpu()

    indices = rows("indices")
    return WordEffects(
        indices,
        folded_values(sae, indices.to(sae.device), rows("activations").to(sae.device)).cpu(),
        rows("effects"),
        torch.cat([batch.margins for batch in batches]).cpu(),
    )
