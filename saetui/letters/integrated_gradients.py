"""Integrated gradients: effects of all firing latents from gradients along one straight path (2409.14507)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

if TYPE_CHECKING:
    from saetui.letters.word_batches import WordBatch

IGPath = Literal["joint", "latents_only"]
IGRule = Literal["left", "midpoint"]
# Steps in the paper's experiment.
IG_STEPS = 6


def integrated_gradients(
    batch: WordBatch, steps: int = IG_STEPS, path: IGPath = "joint", rule: IGRule = "left"
) -> tuple[Float[Tensor, "word slot"], Float[Tensor, " word"]]:
    """Effects in logits and clean margins; all points of a word's path run at once, they do not depend on each other.

    The path leads from the activation to where the latents are zero: together with the SAE's error ("joint", as the
    paper's code does) or alone ("latents_only"). The left rule overstates an effect that grows with the square of the
    activation by 1/steps; the midpoint rule does not, at the price of one more point.
    """
    parts = batch.parts
    fractions, weights = (t.to(parts.x.device) for t in _points(steps, rule))
    removed = parts.latents_sum if path == "latents_only" else parts.x - parts.base
    every = torch.arange(len(batch), device=parts.x.device)

    @torch.enable_grad()
    def follow(part: slice) -> tuple[Tensor, Tensor]:
        words = every[part]
        on_path = parts.x[words, None] - fractions[:, None] * removed[words, None]
        points = on_path.flatten(0, 1).requires_grad_()
        margin, _ = batch.answers(words.repeat_interleave(len(fractions)), points)
        (gradient,) = torch.autograd.grad(margin.sum(), points)
        along = torch.einsum("p,wpd->wd", weights, gradient.view_as(on_path))
        return along, margin.detach().view(-1, len(fractions))[:, 0]

    found = batch.halving(len(every), max(1, batch.rows_at_once // len(fractions)), follow)
    gradients, margins = zip(*found, strict=True)
    return -parts.along(torch.cat(gradients)), torch.cat(margins)


def _points(steps: int, rule: IGRule) -> tuple[Float[Tensor, " point"], Float[Tensor, " point"]]:
    """How much is removed at each point, and the point's weight; the first point is the clean prompt."""
    start = torch.arange(steps) / steps
    weights = torch.full((steps,), 1 / steps)
    if rule == "left":
        return start, weights
    return pad(start + 0.5 / steps, (1, 0)), pad(weights, (1, 0))
