"""The TopK SAE: each token keeps its k largest positive pre-activations (2406.04093 §2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import linear

from saetui.sae.base import SAE, Activations, Indices, Latents, Values
from saetui.sae.config_fields import read_count, read_flag
from saetui.sae.exceptions import SAEError
from saetui.sae.selection import largest
from saetui.sae.trainees.auxk import auxiliary_loss
from saetui.sae.trainees.topk_gradients import TopKTrainee
from saetui.sae.trainees.trainee import Loss, Stage, Trainee

if TYPE_CHECKING:
    from saetui.sae.training.recipe import TrainingRecipe


@dataclass(eq=False, repr=False, kw_only=True)
class TopKSAE(SAE):
    """Keeps ``latents_kept`` latents per token; of equal ones those of lower index.

    With ``rescale_acts_by_decoder_norm`` pre-activations are multiplied by the norm of their decoder row before the
    selection, and latents are divided by it before they are decoded.
    """

    architecture: ClassVar[str] = "topk"
    activation_fn: ClassVar[str] = "topk"
    keeps_k: ClassVar[bool] = True
    fast_path: ClassVar[type[Trainee] | None] = TopKTrainee
    b_enc: Float[Tensor, " d_sae"]
    latents_kept: int
    rescale_acts_by_decoder_norm: bool = False

    @property
    def k(self) -> int:
        return self.latents_kept

    @property
    def is_folded(self) -> bool:
        return self.rescale_acts_by_decoder_norm

    @property
    def compares_latents(self) -> bool:
        return not self.rescale_acts_by_decoder_norm

    @classmethod
    def config_arguments(cls, fields: Mapping[str, Any], path: str) -> dict[str, Any]:
        k, width = read_count(path, fields, "k"), read_count(path, fields, "d_sae")
        if k > width:
            raise SAEError(f"{path}: k is {k}, but there are only d_sae = {width} latents; correct k")
        rescales = read_flag(path, fields, "rescale_acts_by_decoder_norm", default=False)
        return {"latents_kept": k, "rescale_acts_by_decoder_norm": rescales}

    def config_fields(self) -> dict[str, Any]:
        return {"k": self.k, "rescale_acts_by_decoder_norm": self.rescale_acts_by_decoder_norm}

    @classmethod
    def training_arguments(cls, recipe: "TrainingRecipe") -> dict[str, Any]:
        return {"latents_kept": recipe.selected}

    @classmethod
    def training_loss(
        cls, parameters: Mapping[str, Tensor], x: Float[Tensor, "n d_in"], recipe: "TrainingRecipe", stage: Stage
    ) -> Loss:
        """``|x - x_hat|^2``, mean over tokens, and AuxK: dead latents model the error (2406.04093 §2.4, App. A.2)."""
        pre = linear(x - parameters["b_dec"], parameters["W_enc"], parameters["b_enc"])
        values, indices = top_k(pre, recipe.selected)
        latents = torch.zeros_like(pre).scatter(1, indices, values.relu())
        reconstruction = latents @ parameters["W_dec"] + parameters["b_dec"]
        dead = stage.dead(latents)
        auxiliary = auxiliary_loss(
            pre[:, dead], parameters["W_dec"][dead], reconstruction - x, recipe.auxk_of(x.shape[1])
        )
        return Loss(reconstruction, latents, recipe.auxk_coefficient * auxiliary)

    def _activate(self, x: Activations) -> Latents:
        pre = self._pre_activations(x)
        flat = pre.reshape(-1, self.d_sae)
        values, indices = top_k(flat, self.k)
        return torch.zeros_like(flat).scatter(1, indices, values.relu()).reshape(pre.shape)

    def _activate_sparse(self, x: Float[Tensor, "n d_in"]) -> tuple[Int[Tensor, "n L"], Float[Tensor, "n L"]]:
        values, indices = top_k(self._pre_activations(x), self.k)
        return indices, values.relu()

    def _pre_activations(self, x: Activations) -> Latents:
        pre = linear(x, self.W_enc.T, self.b_enc)
        return pre * self._norms() if self.rescale_acts_by_decoder_norm else pre

    def _norms(self) -> Float[Tensor, " d_sae"]:
        norms: Tensor = torch.linalg.vector_norm(self.W_dec, dim=1)
        return norms.clamp_min(1e-12)

    def _decoder_input(self, z: Latents) -> Latents:
        return z / self._norms() if self.rescale_acts_by_decoder_norm else z

    def _decoder_values(self, indices: Indices, values: Values) -> Values:
        if not self.rescale_acts_by_decoder_norm:
            return values
        scaled: Tensor = values / self._norms()[indices]
        return scaled


def top_k(pre: Float[Tensor, "n d_sae"], k: int) -> tuple[Float[Tensor, "n k"], Int[Tensor, "n k"]]:
    """The k largest of each row, strongest first, and their indices; of equal values the lower index is kept."""
    indices = largest(pre, min(k + 1, pre.shape[1]))
    values, order = pre.gather(1, indices).sort(dim=1, descending=True)
    indices = indices.gather(1, order)
    if values.shape[1] <= k:
        return values, indices
    # Only ties that would fire matter: whatever is not above zero becomes zero.
    tied = ((values[:, k - 1] == values[:, k]) & (values[:, k] > 0)).nonzero(as_tuple=True)[0]
    values, indices = values[:, :k], indices[:, :k]
    if tied.numel():
        ordered, order = pre[tied].sort(dim=1, descending=True, stable=True)
        values = values.index_copy(0, tied, ordered[:, :k])
        indices = indices.index_copy(0, tied, order[:, :k])
    return values, indices
