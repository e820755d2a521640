"""The (token, latent) pairs of a batch, and the sums over them that a sparse SAE's gradients are made of."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from saetui.sae.sparse import starts


class PairsByLatent:
    """Pairs in the order of their latents: those of one latent stand together."""

    def __init__(
        self,
        tokens: Int[Tensor, " pairs"],
        latents: Int[Tensor, " pairs"],
        values: Float[Tensor, " pairs"],
        n_latents: int,
    ) -> None:
        if latents.device.type == "cpu" and n_latents <= 1 << 16:
            # NumPy sorts 16-bit keys by counting, far faster than by comparing.
            order = torch.from_numpy(np.argsort(latents.numpy().astype(np.uint16), kind="stable"))
        else:
            order = latents.argsort(stable=True)
        self.tokens, self.latents, self.values = tokens[order], latents[order], values[order]
        # Not by bincount, whose result has a length that the host would have to wait for.
        self._starts = starts(latents.new_zeros(n_latents).scatter_add_(0, latents, torch.ones_like(latents)))

    def rows(self, weights: Float[Tensor, " pairs"], rows: Float[Tensor, "n d"]) -> Float[Tensor, "latent d"]:
        """For each latent the sum over its tokens of ``weight * rows[token]``."""
        if not weights.numel():
            return rows.new_zeros(self._starts.numel(), rows.shape[1])
        return embedding_bag(self.tokens, rows, self._starts, mode="sum", per_sample_weights=weights)

    def sums(self, weights: Float[Tensor, " pairs"]) -> Float[Tensor, " latent"]:
        """For each latent the sum of its weights."""
        if weights.device.type == "cpu" or not weights.numel():
            return weights.new_zeros(self._starts.numel()).index_add_(0, self.latents, weights)
        # On a GPU index_add_ has no fixed order; a bag is summed in the order of its entries.
        places = torch.arange(weights.numel(), device=weights.device)
        return embedding_bag(places, weights[:, None], self._starts, mode="sum").squeeze(1)

    def gradients(
        self, upstream: Float[Tensor, "n d"], decoder: Float[Tensor, "latent d"]
    ) -> tuple[Float[Tensor, "latent d"], Float[Tensor, " pairs"]]:
        """Gradients of the decoder rows and of the values, given the gradient of ``sum of value * decoder row``.

        A value's is ``upstream[token] · decoder[latent]``: just the gradient of the decoder rows' sum by its weights.
        """
        if not self.values.numel():
            return torch.zeros_like(decoder), self.values
        with torch.enable_grad():
            values = self.values.detach().requires_grad_()
            rows = self.rows(values, upstream)
            (of_values,) = torch.autograd.grad(rows, values, decoder)
        return rows.detach(), of_values
