"""An architecture in another package: absolute values as latents, which no other has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from saetui.sae.base import SAE, Activations, Latents
from saetui.sae.trainees.trainee import Loss, Stage
from saetui.sae.training.recipe import TrainingRecipe


@dataclass(eq=False, repr=False, kw_only=True)
class ToyAbsoluteSAE(SAE):
    """``a = |x W_enc + b_enc|``."""

    architecture: ClassVar[str] = "toy_absolute"
    training_settings: ClassVar[Mapping[str, float]] = {"shrink": 0.0}
    b_enc: Float[Tensor, " d_sae"]

    def _activate(self, x: Activations) -> Latents:
        return (x @ self.W_enc + self.b_enc).abs()

    @classmethod
    def training_loss(
        cls, parameters: Mapping[str, Tensor], x: Float[Tensor, "n d_in"], recipe: TrainingRecipe, stage: Stage
    ) -> Loss:
        assert 0 < stage.share <= 1
        latents = ((x - parameters["b_dec"]) @ parameters["W_enc"].T + parameters["b_enc"]).abs()
        penalty = recipe.setting("shrink") * latents.sum(dim=1).mean()
        return Loss(latents @ parameters["W_dec"] + parameters["b_dec"], latents, penalty)
