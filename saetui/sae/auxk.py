"""The auxiliary loss that brings dead latents back: the strongest of them model the error (2406.04093 App. A.2)."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from saetui.sae.pairs import PairsByLatent
from saetui.sae.sparse import flat_nonzero, starts

# Below this share of active pairs sums over them beat dense products.
_SPARSE_DENSITY = 1 / 16
# Of the squared error; less is rounding.
_LEAST_VARIANCE = 1e-10


@dataclass
class AuxiliaryResult:
    """The loss, unweighted, and gradients of the dead latents' encoder rows, decoder rows and biases, weighted."""

    loss: Float[Tensor, ""]
    W_enc: Float[Tensor, "dead d_in"]
    W_dec: Float[Tensor, "dead d_in"]
    b_enc: Float[Tensor, " dead"]


@dataclass(frozen=True)
class AuxK:
    """``k`` dead latents of each token model its error: squared distance over the error's variance in the batch."""

    k: int
    coefficient: float
    dead_after: int
    """Tokens without firing after which a latent is dead."""

    def dead(self, silent: Int[Tensor, " width"]) -> Int[Tensor, " dead"]:
        """The dead latents, given the tokens since each fired; none where the loss is off."""
        if not self.k or not self.coefficient:
            return silent[:0]
        return (silent >= self.dead_after).nonzero(as_tuple=True)[0]

    def __call__(
        self,
        pre: Float[Tensor, "n dead"],
        decoder: Float[Tensor, "dead d_in"],
        centred: Float[Tensor, "n d_in"],
        error: Float[Tensor, "n d_in"],
    ) -> AuxiliaryResult | None:
        """Loss and gradients; None where the error does not vary, so that there is nothing to relate the loss to.

        ``error`` is reconstruction minus activation and counts as a constant, and so does its variance.
        """
        variance = (error - error.mean(dim=0)).square().sum()
        if not variance > _LEAST_VARIANCE * error.square().sum():
            return None
        kept = pre > 0
        if self.k < pre.shape[1]:
            kept &= pre >= _kth_largest(pre, self.k)
        flat = flat_nonzero(kept)
        if flat.numel() < _SPARSE_DENSITY * kept.numel():
            tokens, latents, values = flat // pre.shape[1], flat % pre.shape[1], pre.reshape(-1)[flat]
            residual = error
            if flat.numel():
                offsets = starts(torch.bincount(tokens, minlength=pre.shape[0]))
                residual = error + embedding_bag(latents, decoder, offsets, mode="sum", per_sample_weights=values)
            upstream = residual * (2 * self.coefficient / variance)
            pairs = PairsByLatent(tokens, latents, values, pre.shape[1])
            of_decoder, of_values = pairs.gradients(upstream, decoder)
            of_encoder, of_bias = pairs.rows(of_values, centred), pairs.sums(of_values)
        else:
            acts = pre * kept
            residual = torch.addmm(error, acts, decoder)
            upstream = residual * (2 * self.coefficient / variance)
            of_values = (upstream @ decoder.T).mul_(kept)
            of_decoder, of_encoder, of_bias = acts.T @ upstream, of_values.T @ centred, of_values.sum(dim=0)
        return AuxiliaryResult(residual.square().sum() / variance, of_encoder, of_decoder, of_bias)


def _kth_largest(rows: Float[Tensor, "n m"], k: int) -> Float[Tensor, "n 1"]:
    """The k-th largest of each row, k below m."""
    if rows.device.type == "cpu":
        # NumPy's selection is vectorised; torch's sorts pairs, several times as slow where k is large.
        place = rows.shape[1] - k
        return torch.from_numpy(np.partition(rows.numpy(), place, axis=1)[:, place : place + 1].copy())
    return rows.topk(k, dim=1).values[:, -1:]
