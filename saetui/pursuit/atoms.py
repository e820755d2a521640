"""A dictionary made ready for pursuit, with products between atoms kept for reuse."""

import math

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.pursuit.inputs import check_dictionary

ZERO_NORM = 1e-12
BLOCK = 64
"""Atoms are looked at in blocks of this many; the rows are padded with zeros to a multiple of it."""
_FOLD_ABOVE = 1e-6  # Rows this near to unit norm stay as they are.
_FILL_ROWS = 512


class Atoms:
    """The rows of a dictionary, and for atoms that pursuits have chosen, their products with all atoms.

    ``fold`` divides each row by its norm, so that atoms are chosen by direction; codes are then divided by ``norms``.
    ``memory`` bounds the kept products in bytes; by default they are kept on a CPU only, where memory is faster than
    arithmetic. An Atoms can be given to several pursuits in place of its dictionary, and keeps what they computed.
    """

    def __init__(self, dictionary: Float[Tensor, "width d"], *, fold: bool = True, memory: int | None = None) -> None:
        dictionary = check_dictionary(dictionary)
        self.width, self.d = dictionary.shape
        self.folded = fold
        norms = torch.linalg.vector_norm(dictionary, dim=1)
        self.zero_atoms = int((norms < ZERO_NORM).sum())
        if self.zero_atoms == self.width:
            raise ValueError(f"all {self.width} atoms of the dictionary have norm 0")
        norms = torch.where(norms < ZERO_NORM, torch.ones_like(norms), norms)
        self.norms = norms if fold else torch.ones_like(norms)
        self.unit = float((norms - 1).abs().max()) <= _FOLD_ABOVE
        """Whether all atoms but those of norm 0 have norm 1 as they are."""
        if fold and not self.unit:
            dictionary = dictionary / norms[:, None]
        padding = -self.width % BLOCK
        if padding:
            dictionary = torch.cat([dictionary, dictionary.new_zeros(padding, self.d)])
        self.rows = dictionary.contiguous()
        self.longest = 1 + _FOLD_ABOVE if fold else float(norms.max())
        if memory is None:
            memory = 1 << 30 if dictionary.device.type == "cpu" else 0
        self.capacity = min(self.width, memory // (len(self.rows) * self.rows.element_size()))
        self.kept = 0
        self.products_taken = 0.0
        self._place = torch.full((len(self.rows),), -1, dtype=torch.long, device=self.rows.device)
        self._products = self.rows.new_empty(0, len(self.rows))
        self._extremes = self.rows.new_empty(0, len(self.rows) // BLOCK)

    @classmethod
    def of(cls, dictionary: "Float[Tensor, 'width d'] | Atoms", *, fold: bool) -> "Atoms":
        """The atoms given, or those of a dictionary; raises ValueError where they are folded and should not be, or not."""
        if not isinstance(dictionary, Atoms):
            return cls(dictionary, fold=fold)
        if dictionary.folded != fold and not dictionary.unit:
            wanted = (
                "by direction: give Atoms(dictionary)" if fold else "as they are: give Atoms(dictionary, fold=False)"
            )
            raise ValueError(f"this pursuit takes atoms {wanted}")
        return dictionary

    @property
    def device(self) -> torch.device:
        return self.rows.device

    @property
    def roundoff(self) -> float:
        """Unit roundoff of the dictionary's dtype."""
        return float(torch.finfo(self.rows.dtype).eps) / 2

    @property
    def precision(self) -> float:
        """Unit roundoff of a product, coarser where torch is allowed to take float32 products in fewer bits."""
        if self.rows.dtype == torch.float64:
            return self.roundoff
        return {"highest": self.roundoff, "high": 2.0**-11}.get(torch.get_float32_matmul_precision(), 2.0**-8)

    @property
    def table(self) -> Float[Tensor, "kept columns"]:
        """Products with all atoms, one row for each atom kept."""
        return self._products

    @property
    def extremes(self) -> Float[Tensor, "2*kept block"]:
        """Two rows for each atom kept: its largest product with another atom of each block, and the largest of minus it."""
        return self._extremes

    def keep(self, atoms: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
        """Take and keep the products of some atoms as far as memory allows; their rows in the table, -1 for those not kept."""
        places = self._place[atoms]
        if self.kept < self.capacity and bool((places < 0).any()):
            new = torch.unique(atoms[places < 0])[: self.capacity - self.kept]
            self._allocate()
            start, stop = self.kept, self.kept + len(new)
            torch.mm(self.rows[new], self.rows.T, out=self._products[start:stop])
            self._place[new] = torch.arange(start, stop, device=self.device)
            self._note_extremes(start, stop, new)
            self.kept = stop
            self.products_taken += len(new)
            places = self._place[atoms]
        return places

    def worth_completing(self, distinct: int, choices: int, to_come: int) -> bool:
        """Whether taking all products at once costs less than those of the atoms that are still to be chosen.

        So far ``choices`` were made of ``distinct`` atoms; all at once is half the work, as the table is symmetric.
        """
        missing = self.width - self.kept
        if self.capacity < self.width or missing < self.width // 2 or distinct < _FILL_ROWS:
            return False
        population = _population(distinct, choices)
        expected = population * (1 - math.exp(-(choices + to_come) / population))
        return min(expected, self.width) - distinct > 0.6 * self.width

    def complete(self) -> None:
        """Take and keep the products of all atoms; raises ValueError where memory does not allow it."""
        if self.capacity < self.width:
            raise ValueError(f"memory allows products of {self.capacity} atoms, not of all {self.width}")
        self._allocate()
        table = self._products
        everything = torch.arange(self.width, device=self.device)
        for start in range(0, self.width, _FILL_ROWS):
            stop = min(start + _FILL_ROWS, self.width)
            mine = self.rows[start:stop]
            for left in range(0, start, _FILL_ROWS):
                tile = self.rows[left : left + _FILL_ROWS] @ mine.T
                table[left : left + _FILL_ROWS, start:stop] = tile
                table[start:stop, left : left + _FILL_ROWS] = tile.T
            table[start:stop, start:stop] = mine @ mine.T
        table[:, self.width :] = 0.0
        for start in range(0, self.width, _FILL_ROWS):
            stop = min(start + _FILL_ROWS, self.width)
            self._note_extremes(start, stop, everything[start:stop])
        self._place[: self.width] = everything
        self.kept = self.width
        self.products_taken += (self.width + 1) / 2

    def _allocate(self) -> None:
        """The table in its full size: pages that are never written cost nothing."""
        if not len(self._products):
            self._products = _huge(self.capacity, self.rows)
            self._extremes = self.rows.new_empty(2 * self.capacity, len(self.rows) // BLOCK)

    def _note_extremes(self, start: int, stop: int, atoms: Int[Tensor, " n"]) -> None:
        products, own = self._products[start:stop], atoms[:, None]
        itself = products.gather(1, own)
        products.scatter_(1, own, 0.0)
        blocks = products.view(len(atoms), -1, BLOCK)
        extremes = self._extremes[2 * start : 2 * stop].view(len(atoms), 2, -1)
        torch.amax(blocks, 2, out=extremes[:, 0])
        torch.amin(blocks, 2, out=extremes[:, 1])
        extremes[:, 1].neg_()
        products.scatter_(1, own, itself)


def _huge(n: int, like: Float[Tensor, "columns d"]) -> Float[Tensor, "n columns"]:
    if like.device.type != "cpu":
        return like.new_empty(n, len(like))
    # NumPy asks for huge pages: single products from all over a gigabyte are read three times as fast.
    kind = np.float64 if like.dtype == torch.float64 else np.float32
    return torch.from_numpy(np.empty((n, len(like)), kind))


def _population(distinct: int, choices: int) -> float:
    """How many atoms, all alike, would give so many distinct ones in so many choices."""
    if distinct >= choices:
        return float("inf") if choices == 0 else choices * choices / 1.0
    low, high = float(distinct), float(choices) * choices
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        if middle * -math.expm1(-choices / middle) < distinct:
            low = middle
        else:
            high = middle
    return high
