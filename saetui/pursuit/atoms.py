"""A dictionary made ready for pursuit, with products between atoms kept for reuse."""

import math

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
        self._coherence = self.rows.new_empty(0)

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
    def precision(self) -> float:
        """Unit roundoff of a product, coarser where torch is allowed to take float32 products in fewer bits."""
        if self.rows.dtype == torch.float64:
            return 2.0**-53
        return {"highest": 2.0**-24, "high": 2.0**-11}.get(torch.get_float32_matmul_precision(), 2.0**-8)

    @property
    def table(self) -> Float[Tensor, "kept columns"]:
        """Products with all atoms, one row for each atom kept."""
        return self._products

    def places(self, atoms: Int[Tensor, "*n"]) -> Int[Tensor, "*n"]:
        """Each atom's row in the table, -1 where its products are not kept."""
        return self._place[atoms]

    def coherence(self, atoms: Int[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Largest absolute product of each kept atom with another atom."""
        return self._coherence[self._place[atoms]]

    def keep(self, atoms: Int[Tensor, " n"]) -> Bool[Tensor, " n"]:
        """Take and keep the products of some atoms as far as memory allows; which of them are kept now."""
        places = self._place[atoms]
        if self.kept < self.capacity and bool((places < 0).any()):
            new = atoms[places < 0].unique()[: self.capacity - self.kept]
            self._grow(self.kept + len(new))
            fresh = slice(self.kept, self.kept + len(new))
            torch.mm(self.rows[new], self.rows.T, out=self._products[fresh])
            self._place[new] = torch.arange(fresh.start, fresh.stop, device=self.device)
            self._coherence[fresh] = _largest_with_others(self._products[fresh], new)
            self.kept = fresh.stop
            self.products_taken += len(new)
            places = self._place[atoms]
        return places >= 0

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
        self._grow(self.width)
        table = self._products
        for start in range(0, self.width, _FILL_ROWS):
            stop = min(start + _FILL_ROWS, self.width)
            table[start:stop, start:] = self.rows[start:stop] @ self.rows[start:].T
            table[stop:, start:stop] = table[start:stop, stop : self.width].T
        everything = torch.arange(self.width, device=self.device)
        self._place[: self.width] = everything
        for start in range(0, self.width, _FILL_ROWS):
            part = slice(start, start + _FILL_ROWS)
            self._coherence[part] = _largest_with_others(table[part], everything[part])
        self.kept = self.width
        self.products_taken += (self.width + 1) / 2

    def _grow(self, rows: int) -> None:
        if rows <= len(self._products):
            return
        # Untouched pages of the table cost nothing, so it is allocated whole: growing it would copy it.
        columns = len(self.rows)
        self._products = self.rows.new_empty(self.capacity, columns)
        self._coherence = self.rows.new_empty(self.capacity)


def _largest_with_others(products: Float[Tensor, "n columns"], atoms: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
    own = atoms[:, None]
    diagonal = products.gather(1, own)
    products.scatter_(1, own, 0.0)
    largest = torch.maximum(products.amax(1), -products.amin(1))
    products.scatter_(1, own, diagonal)
    return largest


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
