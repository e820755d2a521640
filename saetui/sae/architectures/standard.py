"""The ReLU SAE: ``a = relu(x W_enc + b_enc)``, kept sparse by an L1 penalty (2309.08600)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from saetui.sae.base import SAE, Activations, Latents
from saetui.sae.trainees.trainee import Loss, Stage, warmed

if TYPE_CHECKING:
    from saetui.sae.training.recipe import TrainingRecipe


@dataclass(eq=False, repr=False, kw_only=True)
class StandardSAE(SAE):
    """ReLU latents, kept sparse by an L1 penalty in training.

    Training is in the form with unit decoder rows and a plain L1 penalty: learning rate and coefficient are those of
    dictionary_learning, at a mean squared norm of 1. Weighing the penalty by decoder norms would change nothing here.
    """

    architecture: ClassVar[str] = "standard"
    training_settings: ClassVar[Mapping[str, float]] = {"l1_coefficient": 0.1}
    learning_rate: ClassVar[float | None] = 1e-3
    b_enc: Float[Tensor, " d_sae"]

    def _activate(self, x: Activations) -> Latents:
        return linear(x, self.W_enc.T, self.b_enc).relu()

    @classmethod
    def training_loss(
        cls, parameters: Mapping[str, Tensor], x: Float[Tensor, "n d_in"], recipe: "TrainingRecipe", stage: Stage
    ) -> Loss:
        """``|x - x_hat|^2 + l1_coefficient * sum of latents``, mean over tokens; decoder rows have norm 1."""
        pre = linear(x - parameters["b_dec"], parameters["W_enc"], parameters["b_enc"])
        latents = pre.relu()
        penalty = warmed(recipe.setting("l1_coefficient"), recipe, stage) * latents.sum(dim=1).mean()
        return Loss(latents @ parameters["W_dec"] + parameters["b_dec"], latents, penalty)
