"""Loss and gradients of a TopK SAE with AuxK, written by hand: only latents that were selected are touched.

The gradient of the loss reaches k latents of a token. So one dense product is left, the encoder's; everything else is a
sum over (token, latent) pairs. Both matrices are (width, d_in) here: a row is a latent.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag


@dataclass
class Parameters:
    """The four parameters of an SAE in training, or their gradients."""

    W_enc: Float[Tensor, "width d_in"]
    W_dec: Float[Tensor, "width d_in"]
    b_enc: Float[Tensor, " width"]
    b_dec: Float[Tensor, " d_in"]

    def tensors(self) -> list[Tensor]:
        return [self.W_enc, self.W_dec, self.b_enc, self.b_dec]


@dataclass(frozen=True)
class AuxK:
    """The auxiliary loss (2406.04093 App. A.2): ``k`` dead latents of each token model the SAE's error."""

    k: int
    coefficient: float
    dead_after: int
    """Tokens without firing after which a latent is dead."""


@dataclass
class StepResult:
    """What one batch gives."""

    gradients: Parameters
    squared_error: Float[Tensor, ""]
    """Squared norm of the error, mean over tokens."""
    auxiliary: Float[Tensor, ""]
    """The auxiliary loss, unweighted; 0 where no latent is dead."""
    l0: Float[Tensor, ""]
    fired: Bool[Tensor, " width"]


class TopKGradients:
    """Computes steps; keeps the memory of the pre-activations: asking for it anew costs as much as the selection."""

    def __init__(self, k: int, auxk: AuxK) -> None:
        self._k = k
        self._auxk = auxk
        self._pre_activations: Tensor | None = None

    def __call__(self, parameters: Parameters, x: Float[Tensor, "n d_in"], silent: Int[Tensor, " width"]) -> StepResult:
        """Gradients of ``mean |x - x_hat|^2 + coefficient * auxiliary`` (2406.04093 §2.4).

        ``silent`` counts the tokens since each latent fired, without this batch.
        """
        n, width = x.shape[0], parameters.W_enc.shape[0]
        centred = x - parameters.b_dec
        pre = torch.addmm(parameters.b_enc, centred, parameters.W_enc.T, out=self._buffer(x, width))
        values, indices = pre.topk(self._k, dim=1, sorted=False)
        values = values.relu_()
        error = embedding_bag(indices, parameters.W_dec, mode="sum", per_sample_weights=values).sub_(centred)
        upstream = error * (2 / n)
        pairs = PairsByLatent(indices, values, width)
        decoder, latent = pairs.decoder_gradients(upstream, parameters.W_dec)
        latent *= pairs.values > 0
        gradients = Parameters(
            W_enc=pairs.sum_by_latent(latent, centred),
            W_dec=decoder,
            b_enc=torch.zeros_like(parameters.b_enc).index_add_(0, pairs.latents, latent),
            b_dec=upstream.sum(dim=0),
        )
        fired = torch.zeros(width, dtype=torch.bool, device=x.device)
        fired[indices[values > 0]] = True
        auxiliary = self._add_auxiliary(parameters, gradients, centred, error, pre, (silent + n) * ~fired)
        # The output bias is taken off the input too: what reaches the pre-activations reaches it by every encoder row.
        gradients.b_dec -= gradients.b_enc @ parameters.W_enc
        return StepResult(gradients, error.square().sum() / n, auxiliary, (values > 0).sum() / n, fired)

    def _add_auxiliary(
        self,
        parameters: Parameters,
        gradients: Parameters,
        centred: Float[Tensor, "n d_in"],
        error: Float[Tensor, "n d_in"],
        pre: Float[Tensor, "n width"],
        silent: Int[Tensor, " width"],
    ) -> Float[Tensor, ""]:
        """Squared distance of the error to its model, over the error's variance; gradients are added in place.

        The error is reconstruction minus activation here and counts as a constant, and so does its variance.
        """
        zero = error.new_zeros(())
        if not self._auxk.k or not self._auxk.coefficient:
            return zero
        dead = (silent >= self._auxk.dead_after).nonzero(as_tuple=True)[0]
        if not dead.numel():
            return zero
        decoder = parameters.W_dec[dead]
        acts = _keep_top(pre[:, dead], self._auxk.k).relu_()
        residual = torch.addmm(error, acts, decoder)
        variance = (error - error.mean(dim=0)).square().sum()
        loss = residual.square().sum() / variance
        if not torch.isfinite(loss):
            return zero
        upstream = residual.mul_(2 * self._auxk.coefficient / variance)
        latent = (upstream @ decoder.T).mul_(acts > 0)
        gradients.W_dec.index_add_(0, dead, acts.T @ upstream)
        gradients.W_enc.index_add_(0, dead, latent.T @ centred)
        gradients.b_enc.index_add_(0, dead, latent.sum(dim=0))
        return loss

    def _buffer(self, x: Float[Tensor, "n d_in"], width: int) -> Float[Tensor, "n width"]:
        n = x.shape[0]
        if self._pre_activations is None or self._pre_activations.shape[0] < n:
            self._pre_activations = x.new_empty(n, width)
        return self._pre_activations[:n]


class PairsByLatent:
    """The (token, latent) pairs of a batch in the order of their latents, so that a latent's pairs stand together."""

    def __init__(self, indices: Int[Tensor, "n k"], values: Float[Tensor, "n k"], width: int) -> None:
        flat = indices.reshape(-1)
        if flat.device.type == "cpu" and width <= 1 << 16:
            # NumPy sorts 16-bit keys by counting, far faster than by comparing.
            order = torch.from_numpy(np.argsort(flat.numpy().astype(np.uint16), kind="stable"))
        else:
            order = flat.argsort(stable=True)
        self.tokens = order // indices.shape[1]
        self.latents = flat[order]
        self.values = values.reshape(-1)[order]
        counts = torch.bincount(flat, minlength=width)
        self._offsets = counts.cumsum(0) - counts

    def sum_by_latent(self, weights: Float[Tensor, " pairs"], rows: Float[Tensor, "n d"]) -> Float[Tensor, "width d"]:
        """For each latent the sum over its tokens of ``weight * rows[token]``."""
        return embedding_bag(self.tokens, rows, self._offsets, mode="sum", per_sample_weights=weights)

    def decoder_gradients(
        self, upstream: Float[Tensor, "n d"], decoder: Float[Tensor, "width d"]
    ) -> tuple[Float[Tensor, "width d"], Float[Tensor, " pairs"]]:
        """The gradients of the decoder rows and of the pairs' values, given that of the reconstruction.

        A pair's is ``upstream[token] · decoder[latent]``, which is also the gradient of the first sum by its weights.
        """
        with torch.enable_grad():
            values = self.values.detach().requires_grad_()
            rows = self.sum_by_latent(values, upstream)
            (latent,) = torch.autograd.grad(rows, values, decoder)
        return rows.detach(), latent


def _keep_top(pre: Float[Tensor, "n dead"], k: int) -> Float[Tensor, "n dead"]:
    """The k largest of each row, 0 elsewhere."""
    if k >= pre.shape[1]:
        return pre
    values, indices = pre.topk(k, dim=1, sorted=False)
    return torch.zeros_like(pre).scatter_(1, indices, values)
