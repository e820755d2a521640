"""Where training starts: the output bias from the data, unit decoder rows, the encoder as their transpose."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.sae.base import unit_rows

_ITERATIONS, _TOLERANCE = 100, 1e-5
# Keeps a weight finite where the estimate hits a point.
_DISTANCE_EPS = 1e-8


def geometric_median(points: Float[Tensor, "n d"]) -> Float[Tensor, " d"]:
    """The point with the least summed distance to all points, by Weiszfeld's iteration."""
    estimate = points.mean(dim=0)
    for _ in range(_ITERATIONS):
        weights = 1 / (torch.linalg.vector_norm(points - estimate, dim=1) + _DISTANCE_EPS)
        moved = (weights @ points) / weights.sum()
        shift = torch.linalg.vector_norm(moved - estimate)
        estimate = moved
        if shift <= _TOLERANCE * torch.linalg.vector_norm(estimate).clamp_min(_DISTANCE_EPS):
            break
    return estimate


def random_unit_rows(width: int, d_in: int, seed: int) -> Float[Tensor, "width d_in"]:
    """Directions drawn uniformly from the sphere, the same for a seed on every device."""
    return unit_rows(torch.randn(width, d_in, generator=torch.Generator().manual_seed(seed)))


@dataclass(frozen=True)
class FirstTokens:
    """What the SAEs of one stream need to know of its first tokens, each figure computed once."""

    tokens: Float[Tensor, "n d_in"]

    @cached_property
    def mean(self) -> Float[Tensor, " d_in"]:
        return self.tokens.mean(dim=0)

    @cached_property
    def median(self) -> Float[Tensor, " d_in"]:
        return geometric_median(self.tokens)

    @cached_property
    def mean_square(self) -> float:
        """Mean squared norm."""
        return float(self.tokens.double().square().sum(dim=1).mean())
