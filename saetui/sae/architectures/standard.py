"""The ReLU SAE: ``a = relu(x W_enc + b_enc)``, kept sparse by an L1 penalty (2309.08600)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from saetui.sae.base import SAE, Activations, Latents
from saetui.sae.training.trainee import Loss, warmed

if TYPE_CHECKING:
    from saetui.sae.training.recipe import TrainingRecipe


@dataclass(eq=False, repr=False, kw_only=True)
class StandardSAE(SAE):
    """ReLU latents, kept sparse by an L1 penalty in training."""

    architecture: ClassVar[str] = "standard"
    training_settings: ClassVar[Mapping[str, float]] = {"l1_coefficient": 0.1}
    b_enc: Float[Tensor, " d_sae"]

    def _activate(self, x: Activations) -> Latents:
        return linear(x, self.W_enc.T, self.b_enc).relu()

    @classmethod
    def training_loss(
        cls, parameters: Mapping[str, Tensor], x: Float[Tensor, "n d_in"], recipe: "TrainingRecipe", share: float
    ) -> Loss:
        """``|x - x_hat|^2 + l1_coefficient * sum of latents``, mean over tokens; decoder rows have norm 1."""
        pre = linear(x - parameters["b_dec"], parameters["W_enc"], parameters["b_enc"])
        latents = pre.relu()
        penalty = warmed(recipe.setting("l1_coefficient"), share) * latents.sum(dim=1).mean()
        return Loss(latents @ parameters["W_dec"] + parameters["b_dec"], latents, penalty)
