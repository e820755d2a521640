"""The JumpReLU SAE: pre-activations pass where they exceed a threshold of their latent (2407.14435)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from saetui.sae.base import SAE, Activations, Latents
from saetui.sae.trainees.trainee import Loss, Stage, warmed

if TYPE_CHECKING:
    from saetui.sae.training.recipe import TrainingRecipe

# In units where the mean squared norm is 1 (2407.14435; Gemma Scope, 2408.05147).
FIRST_THRESHOLD = 1e-3
# Steps in which the coefficient of L0 rises (the same).
_WARM_UP_STEPS = 10_000


@dataclass(eq=False, repr=False, kw_only=True)
class JumpReLUSAE(SAE):
    """``a = relu(p) where p > threshold, else 0``; BatchTopK and Matryoshka SAEs are this at inference.

    Recipes have the settings of Gemma Scope (2408.05147): learning rate 7e-5, betas (0, 0.999), bandwidth and first
    threshold 0.001 at a mean squared norm of 1, and no output bias taken off the input. What differs: a threshold is
    learnt itself and not its logarithm, and the coefficient of L0 rises in 10,000 steps, but at most 5% of all, so that
    short trainings have it too.
    """

    architecture: ClassVar[str] = "jumprelu"
    latent_vectors: ClassVar[tuple[str, ...]] = ("b_enc", "threshold")
    activation_units: ClassVar[tuple[str, ...]] = ("b_enc", "threshold")
    training_settings: ClassVar[Mapping[str, float]] = {
        "l0_coefficient": 1e-3,
        "bandwidth": 1e-3,
    }
    training_names: ClassVar[tuple[str, ...]] = ("batchtopk", "matryoshka_batchtopk")
    learning_rate: ClassVar[float | None] = 7e-5
    betas: ClassVar[tuple[float, float]] = (0.0, 0.999)
    # A threshold below 0 would let through nothing more, and its estimated gradient would change sign.
    least: ClassVar[Mapping[str, float]] = {"threshold": 0.0}
    b_enc: Float[Tensor, " d_sae"]
    threshold: Float[Tensor, " d_sae"]

    def _activate(self, x: Activations) -> Latents:
        pre = linear(x, self.W_enc.T, self.b_enc)
        return pre.relu() * (pre > self.threshold)

    @classmethod
    def first_vectors(cls, width: int) -> dict[str, Tensor]:
        return {"b_enc": torch.zeros(width), "threshold": torch.full((width,), FIRST_THRESHOLD)}

    @classmethod
    def training_arguments(cls, recipe: "TrainingRecipe") -> dict[str, Any]:  # noqa: ARG003
        return {"apply_b_dec_to_input": False}

    @classmethod
    def training_loss(
        cls, parameters: Mapping[str, Tensor], x: Float[Tensor, "n d_in"], recipe: "TrainingRecipe", stage: Stage
    ) -> Loss:
        """``|x - x_hat|^2 + l0_coefficient * L0``, mean over tokens, thresholds by straight-through estimates."""
        pre = linear(x, parameters["W_enc"], parameters["b_enc"])
        bandwidth = recipe.setting("bandwidth")
        latents = Jump.apply(pre, parameters["threshold"], bandwidth)  # type: ignore[no-untyped-call]
        fires = Heaviside.apply(pre, parameters["threshold"], bandwidth)  # type: ignore[no-untyped-call]
        coefficient = warmed(recipe.setting("l0_coefficient"), recipe, stage, _WARM_UP_STEPS)
        penalty = coefficient * fires.sum(dim=1).mean()
        return Loss(latents @ parameters["W_dec"] + parameters["b_dec"], latents, penalty)


class Jump(torch.autograd.Function):
    """``relu(p) * 1[p > threshold]``; the threshold's gradient is ``-threshold / bandwidth`` in a window around it."""

    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        ctx.save_for_backward(pre, threshold)
        ctx.bandwidth = bandwidth
        return pre.relu() * (pre > threshold)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        pre, threshold = ctx.saved_tensors
        near = ((pre - threshold) / ctx.bandwidth).abs() < 0.5
        of_threshold = -(threshold / ctx.bandwidth) * (near * gradient).sum(dim=0)
        return gradient * ((pre > threshold) & (pre > 0)), of_threshold, None


class Heaviside(torch.autograd.Function):
    """``1[p > threshold]``; the threshold's gradient is ``-1 / bandwidth`` in a window around it, the input's 0."""

    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        ctx.save_for_backward(pre, threshold)
        ctx.bandwidth = bandwidth
        return (pre > threshold).to(pre.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        pre, threshold = ctx.saved_tensors
        near = ((pre - threshold) / ctx.bandwidth).abs() < 0.5
        return None, -(near * gradient).sum(dim=0) / ctx.bandwidth, None
