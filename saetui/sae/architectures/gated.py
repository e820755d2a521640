"""The Gated SAE: one pre-activation decides whether a latent fires, another how strongly (2404.16014)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from jaxtyping import Float
from torch import Tensor

from saetui.sae.base import SAE, Activations, Latents
from saetui.sae.trainees.trainee import Loss, Stage, warmed

if TYPE_CHECKING:
    from saetui.sae.training.recipe import TrainingRecipe


@dataclass(eq=False, repr=False, kw_only=True)
class GatedSAE(SAE):
    """``a = 1[x W_enc + b_gate > 0] * relu(x W_enc exp(r_mag) + b_mag)``.

    Recipes have the settings of dictionary_learning: L1 coefficient 0.1, learning rate 5e-5, betas (0, 0.999).
    """

    architecture: ClassVar[str] = "gated"
    latent_vectors: ClassVar[tuple[str, ...]] = ("b_gate", "b_mag", "r_mag")
    activation_units: ClassVar[tuple[str, ...]] = ("b_gate", "b_mag")
    training_settings: ClassVar[Mapping[str, float]] = {"l1_coefficient": 0.1}
    firing_bias: ClassVar[str] = "b_gate"
    learning_rate: ClassVar[float | None] = 5e-5
    betas: ClassVar[tuple[float, float]] = (0.0, 0.999)
    b_gate: Float[Tensor, " d_sae"]
    b_mag: Float[Tensor, " d_sae"]
    r_mag: Float[Tensor, " d_sae"]

    def _activate(self, x: Activations) -> Latents:
        shared = x @ self.W_enc
        magnitude = (shared * self.r_mag.exp() + self.b_mag).relu()
        return magnitude * (shared + self.b_gate > 0)

    @classmethod
    def training_loss(
        cls, parameters: Mapping[str, Tensor], x: Float[Tensor, "n d_in"], recipe: "TrainingRecipe", stage: Stage
    ) -> Loss:
        """``|x - x_hat|^2``, L1 of what the gates see, and the error of reconstructing from that (2404.16014 §3.2).

        The gradient of the last term stops at the decoder and its bias.
        """
        decoder, bias = parameters["W_dec"], parameters["b_dec"]
        shared = (x - bias) @ parameters["W_enc"].T
        gates = shared + parameters["b_gate"]
        latents = (shared * parameters["r_mag"].exp() + parameters["b_mag"]).relu() * (gates > 0)
        seen = gates.relu()
        auxiliary = (x - seen @ decoder.detach() - bias.detach()).square().sum(dim=1).mean()
        sparsity = warmed(recipe.setting("l1_coefficient"), recipe, stage) * seen.sum(dim=1).mean()
        return Loss(latents @ decoder + bias, latents, sparsity + auxiliary)
