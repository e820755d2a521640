"""Sums of a few rows of a large table, added in place."""

import warnings

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag


def add_rows(
    totals: Float[Tensor, "b columns"],
    counts: Int[Tensor, " m"],
    rows: Int[Tensor, " entries"],
    factors: Float[Tensor, " entries"],
    table: Float[Tensor, "n columns"],
) -> None:
    """Add to each of the first m totals its next ``counts`` rows of the table, times their factors."""
    factors = factors.to(totals.dtype)
    ends = counts.cumsum(0)
    totals = totals[: len(counts)]
    if totals.device.type == "cpu" and torch.backends.mkl.is_available():  # type: ignore[no-untyped-call]
        # One pass over the totals, half of what it costs to sum the rows first.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
            starts = torch.cat([ends.new_zeros(1), ends]).int()
            size = (len(counts), len(table))
            matrix = torch.sparse_csr_tensor(starts, rows.int(), factors, size, check_invariants=False)
            torch.addmm(totals, matrix, table, out=totals)
    else:
        totals += embedding_bag(rows, table, ends - counts, mode="sum", per_sample_weights=factors)
