"""The auxiliary loss that brings dead latents back: the strongest of them model the error (2406.04093 App. A.2)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.sae.pairs import PairsByLatent
from saetui.sae.selection import largest
from saetui.sae.sparse import flat_nonzero, gather_sum

# Below this share of active pairs sums over them beat dense products.
_SPARSE_DENSITY = 1 / 24
# Of the squared error; less is rounding.
_LEAST_VARIANCE = 1e-10


def auxiliary_loss(
    pre: Float[Tensor, "n dead"], decoder: Float[Tensor, "dead d_in"], error: Float[Tensor, "n d_in"], k: int
) -> Float[Tensor, ""]:
    """The loss by dense products, for autograd: ``AuxK`` without its coefficient; 0 where the error does not vary.

    ``error`` is reconstruction minus activation and counts as a constant.
    """
    error = error.detach()
    variance = (error - error.mean(dim=0)).square().sum()
    if not pre.shape[1] or not k or not variance > _LEAST_VARIANCE * error.square().sum():
        return error.new_zeros(())
    values, columns = pre.topk(min(k, pre.shape[1]), dim=1, sorted=False)
    latents = torch.zeros_like(pre).scatter(1, columns, values.relu())
    return (latents @ decoder + error).square().sum() / variance


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

    def silent_for(self, silent: Int[Tensor, " width"], tokens: int) -> Int[Tensor, " dead"]:
        """Latents that have not fired for so many tokens; none where the loss is off."""
        if not self.k or not self.coefficient:
            return silent[:0]
        return (silent >= tokens).nonzero(as_tuple=True)[0]

    def __call__(
        self,
        pre: Float[Tensor, "n dead"],
        decoder: Float[Tensor, "dead d_in"],
        centred: Float[Tensor, "n d_in"],
        error: Float[Tensor, "n d_in"],
    ) -> AuxiliaryResult | None:
        """Loss and gradients; None where the error does not vary, since the loss is relative to its variance.

        ``error`` is reconstruction minus activation and counts as a constant, and so does its variance.
        """
        variance = (error - error.mean(dim=0)).square().sum()
        if not variance > _LEAST_VARIANCE * error.square().sum():
            return None
        n, n_dead = pre.shape
        if self.k < n_dead:
            columns = largest(pre, self.k)
            values = pre.gather(1, columns).relu_()
        else:
            columns, values = torch.arange(n_dead, device=pre.device).expand(n, -1), pre.relu()
        flat = flat_nonzero(values)
        if flat.numel() < _SPARSE_DENSITY * pre.numel():
            tokens, latents = flat // values.shape[1], columns.reshape(-1)[flat]
            pairs = PairsByLatent(tokens, latents, values.reshape(-1)[flat], n_dead)
            residual = gather_sum(columns, values, decoder).add_(error)
            upstream = residual * (2 * self.coefficient / variance)
            of_decoder, of_values = pairs.gradients(upstream, decoder)
            of_encoder, of_bias = pairs.rows(of_values, centred), pairs.sums(of_values)
        else:
            acts = torch.zeros_like(pre).scatter_(1, columns, values)
            residual = torch.addmm(error, acts, decoder)
            upstream = residual * (2 * self.coefficient / variance)
            of_pre = (upstream @ decoder.T).mul_(acts > 0)
            of_decoder, of_encoder, of_bias = acts.T @ upstream, of_pre.T @ centred, of_pre.sum(dim=0)
        return AuxiliaryResult(residual.square().sum() / variance, of_encoder, of_decoder, of_bias)

    def of_some(
        self,
        pre: Float[Tensor, "n some"],
        is_dead: Bool[Tensor, " some"],
        decoder: Float[Tensor, "some d_in"],
        centred: Float[Tensor, "n d_in"],
        error: Float[Tensor, "n d_in"],
    ) -> AuxiliaryResult:
        """The same of some latents, of which the dead ones take part, without a wait for the device.

        Where none of them is dead, or the error does not vary, loss and gradients are 0.
        """
        variance = (error - error.mean(dim=0)).square().sum()
        counts = is_dead.any() & (variance > _LEAST_VARIANCE * error.square().sum())
        per_variance = torch.where(counts, 1 / variance, 0.0)
        barred = pre.masked_fill(~is_dead, -torch.inf)
        columns = largest(barred, min(self.k, pre.shape[1]))
        acts = torch.zeros_like(pre).scatter_(1, columns, barred.gather(1, columns).relu_())
        residual = torch.addmm(error, acts, decoder)
        upstream = residual * (2 * self.coefficient * per_variance)
        of_pre = (upstream @ decoder.T).mul_(acts > 0)
        loss = torch.where(counts, residual.square().sum() * per_variance, 0.0)
        return AuxiliaryResult(loss, of_pre.T @ centred, acts.T @ upstream, of_pre.sum(dim=0))
