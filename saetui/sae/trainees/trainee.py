"""What a learner trains: parameters, and the gradients of one batch; in general by autograd."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

if TYPE_CHECKING:
    from saetui.sae.training.recipe import TrainingRecipe

_FIRING = 1e-8
_WARM_UP = 0.05


@dataclass(frozen=True)
class Stage:
    """The state of training when a batch comes."""

    share: float
    """Share of the steps that are done, this one included."""
    silent: Int[Tensor, " width"]
    """Tokens since each latent fired, without this batch."""
    dead_after: int
    """Number of such tokens from which a latent is dead."""

    def dead(self, latents: Float[Tensor, "n width"]) -> Int[Tensor, " dead"]:
        """The latents that are dead with a batch in which these fired."""
        silent = (self.silent + latents.shape[0]) * ~(latents > 0).any(dim=0)
        return (silent >= self.dead_after).nonzero(as_tuple=True)[0]


@dataclass(frozen=True)
class Loss:
    """``mean |x - reconstruction|^2 + penalty``, in training's units."""

    reconstruction: Float[Tensor, "n d_in"]
    latents: Float[Tensor, "n d_sae"]
    penalty: Float[Tensor, ""]


@dataclass
class Step:
    """What one batch gives; gradients in the order of the trainee's tensors."""

    gradients: list[Tensor]
    squared_error: Float[Tensor, ""]
    """Squared norm of the error, mean over tokens."""
    penalty: Float[Tensor, ""]
    """What the loss has beside it."""
    l0: Float[Tensor, ""]
    fired: Bool[Tensor, " width"]


class Trainee(Protocol):
    """Parameters of one SAE; the matrices are (width, d_in), a row is a latent."""

    W_dec: Float[Tensor, "width d_in"]

    def __init__(
        self, recipe: "TrainingRecipe", decoder: Float[Tensor, "width d_in"], bias: Tensor, dead_after: int
    ) -> None: ...

    def tensors(self) -> list[Tensor]: ...

    def named(self) -> dict[str, Tensor]:
        """The tensors by their names in the SAE."""
        ...

    def step(self, x: Float[Tensor, "n d_in"], silent: Int[Tensor, " width"], share: float) -> Step:
        """Gradients of one batch; ``silent`` counts tokens since a latent fired, ``share`` of the steps are done."""
        ...


class DenseTrainee:
    """Any architecture, by autograd through its training loss."""

    def __init__(
        self,
        recipe: "TrainingRecipe",
        decoder: Float[Tensor, "width d_in"],
        bias: Tensor,
        dead_after: int,
    ) -> None:
        self._recipe = recipe
        self._dead_after = dead_after
        self._class = recipe.sae_class
        vectors = {name: value.to(decoder.device) for name, value in self._class.first_vectors(recipe.width).items()}
        self._parameters: dict[str, Any] = {"W_enc": decoder.clone(), "W_dec": decoder, "b_dec": bias, **vectors}
        self.W_dec = decoder

    def tensors(self) -> list[Tensor]:
        return list(self._parameters.values())

    def named(self) -> dict[str, Tensor]:
        return dict(self._parameters)

    def step(self, x: Float[Tensor, "n d_in"], silent: Int[Tensor, " width"], share: float) -> Step:
        stage = Stage(share, silent, self._dead_after)
        leaves = {name: value.detach().requires_grad_() for name, value in self._parameters.items()}
        with torch.enable_grad():
            loss = self._class.training_loss(leaves, x, self._recipe, stage)
            squared_error = (x - loss.reconstruction).square().sum(dim=1).mean()
            gradients = torch.autograd.grad(
                squared_error + loss.penalty, list(leaves.values()), allow_unused=True, materialize_grads=True
            )
        active = loss.latents.detach() > _FIRING
        return Step(
            [gradient.clone() for gradient in gradients],
            squared_error.detach(),
            loss.penalty.detach(),
            active.sum() / x.shape[0],
            active.any(dim=0),
        )


def warmed(coefficient: float, recipe: "TrainingRecipe", stage: Stage, most: float = math.inf) -> float:
    """A coefficient of sparsity, which rises from 0 in the first 5% of the steps, but in no more than ``most``."""
    rise = min(_WARM_UP * recipe.steps, most)
    return coefficient * min(1.0, stage.share * recipe.steps / rise)
