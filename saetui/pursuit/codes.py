"""What pursuits return: sparse non-negative codes, how the residual fell, and what the search cost."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.sae.sparse import gather_sum

PADDING = -1
"""Index of an empty place in a row of codes."""


@dataclass(frozen=True)
class Codes:
    """Codes of n signals; rows are padded with index -1 and value 0. ``decode`` gives the sum of values times atoms."""

    indices: Int[Tensor, "n L"]
    values: Float[Tensor, "n L"]
    residual_norms: Float[Tensor, "n step"]
    """Norm of what is left, in units of the signals: column 0 of the signal itself, the others after each step. A row
    that ends early repeats its last value; that of an excluded signal is 0."""
    excluded: Bool[Tensor, " n"]
    """Signals with NaN or infinity, whose code is empty."""
    zero_atoms: int
    """Atoms of norm 0, which no code uses."""

    @property
    def l0(self) -> Int[Tensor, " n"]:
        """Atoms in each code."""
        return (self.values > 0).sum(1)

    @property
    def residual_norm(self) -> Float[Tensor, " n"]:
        """Norm of each signal minus its reconstruction, in units of the signals."""
        return self.residual_norms[:, -1]

    def to_dense(self, width: int) -> Float[Tensor, "n width"]:
        """The codes as dense rows; raises ValueError for fewer columns than the largest index needs."""
        self._check(width)
        dense = self.values.new_zeros(len(self.values), width)
        return dense.scatter_add_(1, self.indices.clamp(min=0), self.values)

    def decode(self, dictionary: Float[Tensor, "width d"]) -> Float[Tensor, "n d"]:
        """Reconstructions, in the dictionary's dtype; raises ValueError for a dictionary with too few atoms."""
        self._check(len(dictionary))
        return gather_sum(self.indices, self.values.to(dictionary.dtype), dictionary)

    def _check(self, width: int) -> None:
        largest = int(self.indices.max()) if self.indices.numel() else PADDING
        if largest >= width:
            raise ValueError(f"the codes name atom {largest}, which a dictionary of {width} atoms does not have")


@dataclass(frozen=True)
class Work:
    """What the search for the best atoms cost, counted in products of one signal or atom with the whole dictionary."""

    plain: int
    """One product for each token and step, as a plain implementation takes."""
    products: float
    """Products taken: of the signals, of atoms to keep, and of residuals where bounds did not suffice."""
    rows_added: int
    """Kept products of an atom that were added to a token's tracked ones, each a vector as wide as the dictionary."""
    candidates: int
    """Atoms that the bounds did not rule out."""

    @property
    def saved(self) -> float:
        """Share of the plain products that were not needed."""
        return 1 - self.products / self.plain if self.plain else 0.0


@dataclass(frozen=True)
class SparseCodes(Codes):
    """Codes found by a pursuit, their atoms in the order in which they were taken."""

    chosen: Int[Tensor, "n step"]
    """The atom taken at each step, -1 after the last. One whose weight fell back to 0 is not among the indices."""
    steps: Int[Tensor, " n"]
    capped: Bool[Tensor, " n"]
    """Signals whose target L0 was cut to ``max_l0``."""
    work: Work
