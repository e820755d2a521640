"""The linear prediction of one SAE's error, and how good it is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.dark_matter.intervals import Estimate
from saetui.dark_matter.norms import NormTarget
from saetui.dark_matter.token_set import Excluded, TokenSet
from saetui.regression.statistics import LinearMap

Figure = Literal["r2_total", "r2_dim_mean", "fvu_sae", "fvu_nonlinear", "norm_squared_r2"]
# Training tokens per dimension: below the first the fit is worth a warning, below the second it is refused.
FEW_TOKENS, TOO_FEW_TOKENS = 20, 3
# Contexts differ in length and are split whole, so that a few tokens more are read than are needed.
_SPARE = 1.05
# Above this share of what is linearly predictable, the linear part is mostly shrinkage of the activation.
_MOSTLY_SHRINKAGE = 0.5


class ErrorsWarning(UserWarning):
    """A figure of the error study may be unreliable."""


@dataclass(frozen=True)
class Shrinkage:
    """The simplest linear error: a fraction of the activation, as of an SAE whose reconstructions are too small.

    The whole error of a dead SAE, which always gives the mean, is of that kind too (``factor`` 1).
    """

    factor: float
    """s in error ≈ s · activation, fitted on the train rows."""
    r2: Estimate
    """R², total, of that fit on the held-out rows."""
    share: Estimate
    """Of what the full linear map explains; undefined where that explains nothing."""

    @property
    def flagged(self) -> bool:
        """Whether more than half of the linear part is shrinkage, so that "linearly predictable" says little."""
        return self.share.value is not None and self.share.value > _MOSTLY_SHRINKAGE


@dataclass(frozen=True)
class LinearErrorFit:
    """The error of one SAE, error = activation - reconstruction, predicted linearly from the activation.

    R² and FVU are those of held-out rows (see ``fit_linear_error``); None where the target does not vary there.
    """

    name: str
    map: LinearMap
    """From activations to the linear part of the error."""
    activation_mean: Float[Tensor, " d"]
    """Of the train rows; float64."""
    estimates: Mapping[Figure, Estimate]
    """Every figure with its interval over contexts, given the fit."""
    norm_r2: Mapping[NormTarget, Estimate]
    """R² of predicting each squared norm linearly from the activation."""
    shrinkage: Shrinkage
    n_train: int
    n_test: int
    rank: int
    """Directions in which the train rows vary, at most d."""
    constant_dimensions: int
    """Dimensions of the activations that do not vary; the mean over dimensions leaves constant targets out."""
    dead: bool
    """Whether the reconstruction is the same for every train row."""
    excluded: Excluded = field(default_factory=Excluded)
    token_set: TokenSet = field(default_factory=TokenSet)
    notes: tuple[str, ...] = ()
    """Reasons not to take the figures at face value."""

    @property
    def r2_total(self) -> float | None:
        """R² of the error vector: squared residual over squared deviation, each summed over dimensions."""
        return self.estimates["r2_total"].value

    @property
    def r2_dim_mean(self) -> float | None:
        """R² of each dimension, averaged over the dimensions that vary."""
        return self.estimates["r2_dim_mean"].value

    @property
    def fvu_sae(self) -> float | None:
        """Fraction of the activations' variance that the reconstruction leaves unexplained."""
        return self.estimates["fvu_sae"].value

    @property
    def fvu_nonlinear(self) -> float | None:
        """The same once the linear part of the error is added to the reconstruction."""
        return self.estimates["fvu_nonlinear"].value

    @property
    def norm_squared_r2(self) -> float | None:
        """R² of the squared norm of the error, predicted linearly from the activation."""
        return self.estimates["norm_squared_r2"].value

    def linear_error(self, activations: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The predicted part of the error, float64."""
        return self.map(activations)

    def nonlinear_error(
        self, activations: Float[Tensor, "n d"], reconstructions: Float[Tensor, "n d"]
    ) -> Float[Tensor, "n d"]:
        """What is left of the error, float64."""
        x = activations.to(torch.float64)
        return x - reconstructions.to(torch.float64) - self.map(x)


def token_count_note(n_train: int, width: int) -> str | None:
    """A warning about few tokens, None where there are enough; ValueError below 3 per dimension."""
    each = n_train / max(width, 1)
    if each >= FEW_TOKENS:
        return None
    have = f"{n_train:,} train tokens are {each:.1f} for each of {width:,} dimensions"
    if each < TOO_FEW_TOKENS:
        raise ValueError(
            f"{have}; a linear fit needs {TOO_FEW_TOKENS * width:,} at least, and {FEW_TOKENS * width:,} to be reliable"
        )
    return f"{have}: held-out figures are too low and uncertain; give {FEW_TOKENS * width:,} train tokens"


def enough_tokens(width: int, test_share: float) -> int:
    """Tokens for a reliable linear fit to activations of that width, those that judge it among them."""
    return math.ceil(_SPARE * FEW_TOKENS * width / (1 - test_share))
