"""Normalisation of each activation by its own statistics, undone on the reconstruction (the names are SAELens')."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Normalization = Literal["none", "expected_average_only_in", "constant_norm_rescale", "layer_norm"]
LAYER_NORM_EPS = 1e-5


@dataclass(frozen=True)
class TokenScale:
    """What turns normalised activations back into model units: ``x * spread + shift``, one row per token."""

    spread: Float[Tensor, "*n 1"]
    shift: Float[Tensor, "*n 1"] | None = None

    def undo(self, x: Float[Tensor, "*n d_in"]) -> Float[Tensor, "*n d_in"]:
        scaled = x * self.spread
        return scaled if self.shift is None else scaled + self.shift


def is_per_token(normalization: Normalization) -> bool:
    """Whether decoding needs to know the activations that were encoded."""
    return normalization in ("constant_norm_rescale", "layer_norm")


def normalize(
    x: Float[Tensor, "*n d_in"], normalization: Normalization
) -> tuple[Float[Tensor, "*n d_in"], TokenScale | None]:
    """Activations as the SAE reads them, and what undoes it.

    ``expected_average_only_in`` reads them as they are: its one factor for all tokens is not in a saved SAE.
    """
    if normalization == "layer_norm":
        mean = x.mean(dim=-1, keepdim=True)
        spread = x.std(dim=-1, keepdim=True)
        return (x - mean) / (spread + LAYER_NORM_EPS), TokenScale(spread, mean)
    if normalization == "constant_norm_rescale":
        spread = torch.linalg.vector_norm(x, dim=-1, keepdim=True) / x.shape[-1] ** 0.5
        return x / spread, TokenScale(spread)
    return x, None
