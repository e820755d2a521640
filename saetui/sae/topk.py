"""The TopK SAE: each token keeps its k largest positive pre-activations (2406.04093 §2.3)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.sae.base import SAE, Activations, Indices, Latents, Values


@dataclass(eq=False, kw_only=True)
class TopKSAE(SAE):
    """Keeps ``latents_kept`` latents a token; of equal ones the lower index.

    With ``rescale_acts_by_decoder_norm`` selection and latents are in units of the reconstruction: pre-activations times the
    norm of their decoder row, divided out again in decoding.
    """

    architecture: ClassVar[str] = "topk"
    b_enc: Float[Tensor, "d_sae"]
    latents_kept: int
    rescale_acts_by_decoder_norm: bool = False

    @property
    def k(self) -> int:
        return self.latents_kept

    def _pre_activations(self, x: Activations) -> Latents:
        pre = x @ self.W_enc + self.b_enc
        return pre * self._norms() if self.rescale_acts_by_decoder_norm else pre

    def _activate(self, x: Activations) -> Latents:
        pre = self._pre_activations(x)
        values, indices = top_k(pre.reshape(-1, self.d_sae), self.k)
        dense = torch.zeros_like(pre).reshape(-1, self.d_sae).scatter(1, indices, values.relu())
        return dense.reshape(pre.shape)

    def _activate_sparse(self, x: Activations) -> tuple[Indices, Values]:
        values, indices = top_k(self._pre_activations(x), self.k)
        return indices, values.relu()

    def _norms(self) -> Float[Tensor, "d_sae"]:
        return torch.linalg.vector_norm(self.W_dec, dim=1)

    def _decoder_input(self, z: Latents) -> Latents:
        return z / self._norms().clamp_min(1e-12) if self.rescale_acts_by_decoder_norm else z

    def _decoder_values(self, indices: Indices, values: Values) -> Values:
        return values / self._norms().clamp_min(1e-12)[indices] if self.rescale_acts_by_decoder_norm else values


def top_k(pre: Float[Tensor, "n d_sae"], k: int) -> tuple[Float[Tensor, "n k"], Indices]:
    """The k largest of each row, strongest first, and their indices; where the k-th value is tied the lower index wins."""
    values, indices = pre.topk(min(k + 1, pre.shape[1]), dim=1)
    if values.shape[1] <= k:
        return values, indices
    # Only ties at the edge that would fire matter: everything below zero becomes zero anyway.
    tied = ((values[:, k - 1] == values[:, k]) & (values[:, k] > 0)).nonzero(as_tuple=True)[0]
    values, indices = values[:, :k], indices[:, :k]
    if tied.numel():
        values, indices = values.clone(), indices.clone()
        ordered, order = pre[tied].sort(dim=1, descending=True, stable=True)
        values[tied], indices[tied] = ordered[:, :k], order[:, :k]
    return values, indices
