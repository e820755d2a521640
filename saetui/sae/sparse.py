"""Sparse latents as padded rows of (index, value), and sums of decoder rows over them."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag


def sparse_rows(z: Float[Tensor, "n d_sae"]) -> tuple[Int[Tensor, "n L"], Float[Tensor, "n L"]]:
    """The non-zero entries of each row by rising index, padded with index 0 and value 0 to the longest row."""
    n, width = z.shape
    flat = flat_nonzero(z)
    row = flat // width
    counts = torch.bincount(row, minlength=n)
    length = int(counts.max()) if n else 0
    place = torch.arange(flat.numel(), device=z.device) - starts(counts)[row] + row * length
    indices = torch.zeros(n * length, dtype=torch.long, device=z.device).scatter_(0, place, flat - row * width)
    values = torch.zeros(n * length, dtype=z.dtype, device=z.device).scatter(0, place, z.reshape(-1)[flat])
    return indices.view(n, length), values.view(n, length)


def gather_sum(
    indices: Int[Tensor, "n L"], values: Float[Tensor, "n L"], rows: Float[Tensor, "m d"]
) -> Float[Tensor, "n d"]:
    """``sum over l of values[i, l] * rows[indices[i, l]]``; on a CPU padding is left out, not multiplied by zero."""
    if not indices.numel():
        return rows.new_zeros(indices.shape[0], rows.shape[1])
    # On a GPU asking how many there are would cost more than summing zeros.
    if not values.requires_grad and values.device.type == "cpu":
        kept = values != 0
        counts = kept.sum(dim=1)
        if int(counts.sum()) < values.numel():
            return embedding_bag(indices[kept], rows, starts(counts), mode="sum", per_sample_weights=values[kept])
    # An index of padding may be negative, which on a GPU would end the process.
    return embedding_bag(indices.clamp(min=0), rows, mode="sum", per_sample_weights=values)


def flat_nonzero(z: Float[Tensor, "n d_sae"] | Bool[Tensor, "n d_sae"]) -> Int[Tensor, " entries"]:
    """Places of the non-zeros in the flattened rows, rising."""
    if z.device.type == "cpu":
        # NumPy skips runs of False, several times as fast as torch where little is True.
        return torch.from_numpy(np.flatnonzero(z.detach().numpy() != 0))
    return z.reshape(-1).nonzero(as_tuple=True)[0]


def starts(counts: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
    """Where each of n runs of these lengths begins."""
    return counts.cumsum(0) - counts
