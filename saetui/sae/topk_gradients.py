"""Loss and gradients of a TopK SAE with AuxK, written by hand: only selected latents are ever touched.

The gradient of the loss reaches k latents of a token, so beside the one encoder product everything is a gather or a
sum over (token, latent) pairs. Rows are latents here: ``W_enc`` and ``W_dec`` are both (width, d_in).
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

# AuxK over few dead latents is a dense product; over many it gathers.
_DENSE_AUX_RATIO = 8


@dataclass
class Parameters:
    """The four parameters of the SAE in training, or their gradients."""

    W_enc: Float[Tensor, "width d_in"]
    W_dec: Float[Tensor, "width d_in"]
    b_enc: Float[Tensor, "width"]
    b_dec: Float[Tensor, "d_in"]

    def tensors(self) -> list[Tensor]:
        return [self.W_enc, self.W_dec, self.b_enc, self.b_dec]


@dataclass
class StepResult:
    """What one batch gave."""

    gradients: Parameters
    squared_error: Float[Tensor, ""]
    """Mean over tokens of the squared error norm."""
    auxiliary: Float[Tensor, ""]
    l0: Float[Tensor, ""]
    fired: Bool[Tensor, "width"]


def loss_and_gradients(
    parameters: Parameters,
    x: Float[Tensor, "n d_in"],
    k: int,
    tokens_silent: Int[Tensor, "width"],
    dead_after: int,
    auxk: int,
    auxk_coefficient: float,
) -> StepResult:
    """Gradients of ``mean |x - x_hat|^2 + auxk_coefficient * AuxK`` (2406.04093 §2.4, App. A.2).

    AuxK lets the ``auxk`` strongest dead latents of each token model the error: squared distance over the error's variance
    in the batch. A latent is dead when it has not fired for ``dead_after`` tokens, this batch included.
    """
    n, width = x.shape[0], parameters.W_enc.shape[0]
    centred = x - parameters.b_dec
    pre = torch.addmm(parameters.b_enc, centred, parameters.W_enc.T)
    values, indices = pre.topk(k, dim=1, sorted=False)
    values = values.relu_()
    error = F.embedding_bag(indices, parameters.W_dec, mode="sum", per_sample_weights=values)
    error -= centred
    squared_error = error.square().sum() / n
    upstream = error * (2 / n)
    latent_gradient = row_products(upstream, parameters.W_dec, indices).mul_(values > 0)
    pairs = PairsByLatent(indices, width)
    gradients = Parameters(
        W_enc=pairs.sum_rows(latent_gradient, centred),
        W_dec=pairs.sum_rows(values, upstream),
        b_enc=torch.zeros_like(parameters.b_enc).scatter_add_(0, indices.flatten(), latent_gradient.flatten()),
        b_dec=upstream.sum(dim=0),
    )
    fired = torch.zeros(width, dtype=torch.bool, device=x.device)
    fired[indices[values > 0]] = True
    auxiliary = x.new_zeros(())
    if auxk and auxk_coefficient:
        dead = ((tokens_silent + n >= dead_after) & ~fired).nonzero(as_tuple=True)[0]
        if dead.numel():
            auxiliary = _add_auxk(parameters, gradients, centred, -error, pre[:, dead], dead, auxk, auxk_coefficient)
    # The bias is also taken off the input, so whatever reaches the pre-activations reaches it through every encoder row.
    gradients.b_dec -= gradients.b_enc @ parameters.W_enc
    return StepResult(gradients, squared_error, auxiliary, (values > 0).sum() / n, fired)


def _add_auxk(
    parameters: Parameters,
    gradients: Parameters,
    centred: Float[Tensor, "n d_in"],
    error: Float[Tensor, "n d_in"],
    pre: Float[Tensor, "n dead"],
    dead: Int[Tensor, "dead"],
    auxk: int,
    coefficient: float,
) -> Float[Tensor, ""]:
    """Add the auxiliary loss' gradients in place; the loss itself, unweighted, is returned."""
    variance = (error - error.mean(dim=0)).square().sum()
    decoder = parameters.W_dec[dead]
    if auxk >= dead.numel():
        acts = pre.relu()
    else:
        kept, where = pre.topk(auxk, dim=1, sorted=False)
        acts = torch.zeros_like(pre).scatter_(1, where, kept.relu_())
    residual = acts @ decoder - error
    loss = residual.square().sum() / variance
    if not torch.isfinite(loss):
        return torch.zeros_like(loss)
    upstream = residual * (2 * coefficient / variance)
    latent_gradient = (upstream @ decoder.T).mul_(acts > 0)
    gradients.W_dec.index_add_(0, dead, acts.T @ upstream)
    gradients.W_enc.index_add_(0, dead, latent_gradient.T @ centred)
    gradients.b_enc.index_add_(0, dead, latent_gradient.sum(dim=0))
    return loss


def row_products(
    left: Float[Tensor, "n d"], rows: Float[Tensor, "width d"], indices: Int[Tensor, "n k"]
) -> Float[Tensor, "n k"]:
    """``left[i] · rows[indices[i, l]]``: the gradient of a gather-sum with respect to its weights."""
    n, k = indices.shape
    offsets = torch.arange(0, n * k, k, device=indices.device)
    bag = torch.arange(n, device=indices.device).repeat_interleave(k)
    products = torch.ops.aten._embedding_bag_per_sample_weights_backward(left, rows, indices.flatten(), offsets, bag, 0)
    return products.view(n, k)


class PairsByLatent:
    """The (token, latent) pairs of a batch in the order of their latents."""

    def __init__(self, indices: Int[Tensor, "n k"], width: int) -> None:
        flat = indices.flatten()
        if flat.device.type == "cpu" and width <= 1 << 16:
            # NumPy sorts 16-bit keys by radix, some 50 times as fast as a comparison sort.
            self._order = torch.from_numpy(np.argsort(flat.numpy().astype(np.uint16), kind="stable"))
        else:
            self._order = flat.argsort(stable=True)
        self._tokens = self._order // indices.shape[1]
        counts = torch.bincount(flat, minlength=width)
        self._offsets = counts.cumsum(0) - counts

    def sum_rows(self, weights: Float[Tensor, "n k"], rows: Float[Tensor, "n d"]) -> Float[Tensor, "width d"]:
        """For each latent the sum over its tokens of ``weights * rows[token]``."""
        return F.embedding_bag(
            self._tokens, rows, self._offsets, mode="sum", per_sample_weights=weights.flatten()[self._order]
        )
