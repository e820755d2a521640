"""Absorption by projection: how much of the letter's direction other latents write in place of the main latents.

SAEBench (2503.09532, feature absorption). It needs no model, works at any layer, and sees partial absorption: a main
latent that fires weakly while others carry the rest. Projections are on the unit probe direction, in model units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from saetui.letters.latents import SparseLatents
from saetui.sae.base import FIRING

# Least cosine of a decoder row with the probe direction for a latent to count as an absorber (SAEBench).
ABSORBER_COSINE = 0.1
# The absorbers with the largest projections that are added up (SAEBench).
MAX_ABSORBERS = 3
# Least share of the word's own projection that absorbers must write (SAEBench).
MIN_SHARE = 0.4
# Least cosine of the latent that absorbs a word fully (2409.14507).
FULL_COSINE = 0.025


@dataclass(frozen=True)
class ProjectionRule:
    """Thresholds of the projection verdict."""

    absorber_cosine: float = ABSORBER_COSINE
    max_absorbers: int = MAX_ABSORBERS
    min_share: float = MIN_SHARE
    full_cosine: float = FULL_COSINE


@dataclass(frozen=True)
class ProjectionVerdict:
    """How far one word's letter is absorbed."""

    fraction: float
    """Share of what the latents write along the letter that the absorbers write, in [0, 1]."""
    full: bool
    """No main latent fires and one other latent writes enough of the letter alone."""
    main: float
    """Projection of the main latents."""
    absorbers: float
    """Projection of the leading absorbers."""


@dataclass(frozen=True)
class ProjectionScores:
    """Means over the words of a letter that its probe gets right; in [0, 1]."""

    mean_fraction: float
    full_rate: float


def absorption_fractions(
    main: Float[Tensor, " word"],
    absorbers: Float[Tensor, " word"],
    word: Float[Tensor, " word"],
    min_share: float = MIN_SHARE,
) -> Float[Tensor, " word"]:
    """Absorption fraction of words from three projections: main latents, leading absorbers, the activation itself.

    0 where the activation does not point along the letter, the main latents write all of it, or the absorbers less than
    ``min_share``; 1 where only absorbers write it; else their share, capped at what the main latents leave.
    """
    missing = word - main
    carried = torch.minimum(absorbers, missing)
    share = torch.where(main <= 0, 1.0, carried / (carried + main)).clamp(0, 1)
    none = (word <= 0) | (main >= word) | (absorbers / word < min_share)
    return torch.where(none, 0.0, share)


def projection_verdicts(
    latents: SparseLatents,
    projections: Float[Tensor, "word slot"],
    cosines: Float[Tensor, " latent"],
    words: Float[Tensor, " word"],
    main_latents: Sequence[int],
    rule: ProjectionRule | None = None,
) -> list[ProjectionVerdict]:
    """Verdicts on a letter's words that its probe gets right.

    ``projections`` are activation times decoder row on the unit probe direction, slot by slot of ``latents``;
    ``cosines`` those of all decoder rows with it; ``words`` the projections of the activations, without any bias.
    """
    rule = rule or ProjectionRule()
    if projections.shape != latents.values.shape or len(cosines) != latents.width or len(words) != len(latents):
        raise ValueError(
            f"projections {tuple(projections.shape)}, cosines ({len(cosines)},) and words ({len(words)},) do not fit"
            f" latents {tuple(latents.values.shape)} of width {latents.width}"
        )
    fires = latents.values > FIRING
    projections, words = torch.where(fires, projections.double(), 0.0), words.double()
    aligned = cosines.double()[latents.indices]
    is_main: Bool[Tensor, "word slot"] = torch.isin(
        latents.indices, torch.as_tensor(list(main_latents), dtype=torch.long, device=latents.indices.device)
    )
    main = torch.where(is_main, projections, 0.0).sum(1)
    absorbing = ~is_main & (aligned >= rule.absorber_cosine)
    others = torch.where(absorbing, projections, 0.0).clamp(min=0)
    absorbers = others.topk(min(rule.max_absorbers, others.shape[1]), dim=1).values.sum(1)
    fractions = absorption_fractions(main, absorbers, words, rule.min_share)
    full = ~(is_main & fires).any(1) & _one_carries_all(fires, projections, aligned, words, rule)
    rows = zip(fractions.tolist(), full.tolist(), main.tolist(), absorbers.tolist(), strict=True)
    return [ProjectionVerdict(*row) for row in rows]


def _one_carries_all(
    fires: Bool[Tensor, "word slot"],
    projections: Float[Tensor, "word slot"],
    aligned: Float[Tensor, "word slot"],
    words: Float[Tensor, " word"],
    rule: ProjectionRule,
) -> Bool[Tensor, " word"]:
    """Whether the latent of the largest projection is aligned and writes enough of the word's own."""
    if not fires.shape[1]:
        return torch.zeros_like(words, dtype=torch.bool)
    top, slot = torch.where(fires, projections, -torch.inf).max(1)
    enough = (words > 0) & (top / words >= rule.min_share)
    return enough & (aligned.gather(1, slot[:, None])[:, 0] >= rule.full_cosine)


def projection_scores(verdicts: Sequence[ProjectionVerdict]) -> ProjectionScores | None:
    """A letter's mean absorption fraction and full absorption rate; None for a letter without words."""
    n = len(verdicts)
    if not n:
        return None
    return ProjectionScores(sum(v.fraction for v in verdicts) / n, sum(v.full for v in verdicts) / n)
