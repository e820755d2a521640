"""What a pursuit returns: sparse non-negative codes, how the residual fell, and what the search cost."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.sae.sparse import gather_sum

PADDING = -1
"""Index of an empty place in a row of codes."""


@dataclass(frozen=True)
class Work:
    """What the search for the best atoms cost, counted in products of one signal with the whole dictionary."""

    plain: int
    """One product per token and step, as a plain implementation takes."""
    products: float
    """Products taken: of signals, of residuals where they had to be taken anew, and of atoms for their rows."""
    rows_added: int
    """Stored products of an atom with the dictionary that were added to a token's correlations."""
    candidates: int
    """Atoms that the bounds did not rule out and that were looked at one by one."""

    @property
    def saved(self) -> float:
        """Share of the plain products that were not needed; below 0 for a few tokens that share no atoms."""
        return 1 - self.products / self.plain if self.plain else 0.0


@dataclass(frozen=True)
class SparseCodes:
    """Codes of n signals, rows padded with index -1 and value 0; ``signal ≈ sum of values * dictionary[indices]``."""

    indices: Int[Tensor, "n L"]
    """Atoms of positive value, in the order in which they were taken."""
    values: Float[Tensor, "n L"]
    residual_norms: Float[Tensor, "n step"]
    """Norm of what is left after each step, in units of the signals; column 0 is the signal, the last value repeats."""
    chosen: Int[Tensor, "n step"]
    """The atom taken at each step, -1 after the last; one whose value fell back to 0 is not among the indices."""
    steps: Int[Tensor, " n"]
    excluded: Bool[Tensor, " n"]
    """Signals with NaN or infinity: their code is empty, their residual norms are 0 and mean nothing."""
    capped: Bool[Tensor, " n"]
    """Signals whose target L0 was cut to ``max_l0``."""
    zero_atoms: int
    """Atoms of norm 0, which no code can use."""
    work: Work

    @property
    def l0(self) -> Int[Tensor, " n"]:
        """Atoms in each code; at most the target."""
        return (self.values > 0).sum(1)

    @property
    def residual_norm(self) -> Float[Tensor, " n"]:
        """Norm of the signal minus its reconstruction, in units of the signals."""
        return self.residual_norms[:, -1]

    def to_dense(self, width: int) -> Float[Tensor, "n width"]:
        """The codes as dense rows; raises ValueError for fewer columns than the largest index needs."""
        largest = int(self.indices.max()) if self.indices.numel() else PADDING
        if largest >= width:
            raise ValueError(
                f"width is {width}, but the codes name atom {largest}; give the dictionary's number of rows"
            )
        dense = self.values.new_zeros(len(self.values), width)
        return dense.scatter_add_(1, self.indices.clamp(min=0), self.values)

    def decode(self, dictionary: Float[Tensor, "width d"]) -> Float[Tensor, "n d"]:
        """Reconstructions, in the dictionary's dtype; raises ValueError for a dictionary with too few atoms."""
        largest = int(self.indices.max()) if self.indices.numel() else PADDING
        if largest >= len(dictionary):
            raise ValueError(f"the dictionary has {len(dictionary)} atoms, but the codes name atom {largest}")
        return gather_sum(self.indices, self.values.to(dictionary.dtype), dictionary)
