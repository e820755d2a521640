"""A dictionary made ready for pursuit, with products between atoms kept for reuse."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.pursuit.inputs import check_dictionary

ZERO_NORM = 1e-12
BLOCK = 128
"""Atoms are ruled out in blocks of this many; the rows are padded with zeros to a multiple of it."""
_FOLD_ABOVE = 1e-6  # Rows this near to unit norm stay as they are.
_CPU_MEMORY = 1 << 30
_TILE = 512
# Completing the table pays if this share is expected to be needed: it is symmetric, so half of it is computed.
_WORTH_COMPLETING = 0.6


class Atoms:
    """The rows of a dictionary, and for atoms that pursuits have chosen, their products with all atoms.

    ``fold`` divides each row by its norm, so that atoms are chosen by direction; codes are then divided by ``norms``.
    ``memory`` bounds the kept products in bytes; by default 1 GiB on a CPU, where memory is faster than arithmetic, and
    none elsewhere. An Atoms can be given to several pursuits in place of its dictionary, and keeps what they computed.
    Raises ValueError for a dictionary that is empty, not finite, or all zero.
    """

    def __init__(self, dictionary: Float[Tensor, "width d"], *, fold: bool = True, memory: int | None = None) -> None:
        rows, norms = _rows_and_norms(dictionary, fold)
        self.width, self.d = rows.shape
        self.folded = fold
        self.zero_atoms = int((norms < ZERO_NORM).sum())
        if self.zero_atoms == self.width:
            raise ValueError(f"all {self.width} atoms of the dictionary have norm 0")
        norms = norms.masked_fill(norms < ZERO_NORM, 1.0)
        self.unit = _nearly_one(norms)
        """Whether all atoms but those of norm 0 have norm 1 as they are."""
        self.norms = norms if fold else torch.ones_like(norms)
        self.longest = 1 + _FOLD_ABOVE if fold else float(norms.max())
        """No atom's norm exceeds it."""
        self.rows = torch.cat([rows, rows.new_zeros(-self.width % BLOCK, self.d)])
        if memory is None:
            memory = _CPU_MEMORY if rows.device.type == "cpu" else 0
        self.capacity = min(self.width, memory // (len(self.rows) * self.rows.element_size()))
        self.kept = 0
        """Atoms whose products are kept."""
        self.products_taken = 0.0
        """Products of one atom with all atoms that were taken so far."""
        self._place = torch.full((len(self.rows),), -1, dtype=torch.long, device=self.rows.device)
        self._table = self.rows.new_empty(0, len(self.rows))
        self._extremes = self.rows.new_empty(0, len(self.rows) // BLOCK)

    def are_of(self, dictionary: Float[Tensor, "width d"]) -> bool:
        """Whether these are the atoms of a dictionary in its present state."""
        rows, _ = _rows_and_norms(dictionary, self.folded)
        mine = self.rows[: self.width]
        return rows.dtype == mine.dtype and rows.device == mine.device and torch.equal(rows, mine)

    def check_folded(self, fold: bool) -> None:
        """Raise ValueError for atoms that are folded and must not be, or must be and are not."""
        if self.folded != fold and not self.unit:
            needed = (
                "by direction: give Atoms(dictionary)" if fold else "as they are: give Atoms(dictionary, fold=False)"
            )
            raise ValueError(f"this pursuit takes atoms {needed}")

    @property
    def device(self) -> torch.device:
        return self.rows.device

    @property
    def roundoff(self) -> float:
        """Unit roundoff of the rows' dtype."""
        return torch.finfo(self.rows.dtype).eps / 2

    @property
    def product_roundoff(self) -> float:
        """Unit roundoff of matrix products, coarser where torch may take those of float32 in fewer bits."""
        if self.rows.dtype == torch.float64:
            return self.roundoff
        return {"highest": self.roundoff, "high": 2.0**-11}.get(torch.get_float32_matmul_precision(), 2.0**-8)

    @property
    def table(self) -> Float[Tensor, "capacity columns"]:
        """Products of the kept atoms with all atoms, one row for each."""
        return self._table

    @property
    def extremes(self) -> Float[Tensor, "2*capacity block"]:
        """Two rows for each kept atom: the largest product with others of each block, and the largest of minus that."""
        return self._extremes

    def keep(self, atoms: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
        """Keep the products of some atoms, as far as memory allows: their rows in the table, -1 for those not kept."""
        places = self._place[atoms]
        if self.kept < self.capacity and bool((places < 0).any()):
            new = torch.unique(atoms[places < 0])[: self.capacity - self.kept]
            self._allocate()
            start, stop = self.kept, self.kept + len(new)
            torch.mm(self.rows[new], self.rows.T, out=self._table[start:stop])
            self._note_extremes(start, stop, new)
            self.kept = stop
            self._place[new] = torch.arange(start, stop, device=self.device)
            self.products_taken += len(new)
            places = self._place[atoms]
        return places

    def worth_completing(self, distinct: int, choices: int, to_come: int) -> bool:
        """Whether all products at once cost less than those of the atoms that so many choices to come will need.

        Judged from a sample of ``choices`` in which ``distinct`` atoms were chosen.
        """
        if self.capacity < self.width or self.kept > (1 - _WORTH_COMPLETING) * self.width:
            return False
        population = _population(distinct, choices)
        return min(self.width, -population * math.expm1(-to_come / population)) > _WORTH_COMPLETING * self.width

    def complete(self, tick: Callable[[], None] | None = None) -> None:
        """Keep the products of all atoms; raises ValueError where memory does not allow it.

        ``tick`` is called now and then and may raise to cancel; no products are kept then.
        """
        if self.capacity < self.width:
            raise ValueError(f"memory allows products of {self.capacity} atoms, not of all {self.width}")
        self._allocate()
        table = self._table
        self._place.fill_(-1)
        self.kept = 0
        for start in range(0, self.width, _TILE):
            rows = slice(start, min(start + _TILE, self.width))
            for left in range(0, start, _TILE):
                columns = slice(left, left + _TILE)
                tile = self.rows[columns] @ self.rows[rows].T
                table[columns, rows] = tile
                # Copied to rows of its own first, which is faster than to strided rows at once.
                table[rows, columns] = tile.T.contiguous()
            table[rows, rows] = self.rows[rows] @ self.rows[rows].T
            if tick is not None:
                tick()
        table[:, self.width :] = 0.0
        everything = torch.arange(self.width, device=self.device)
        for start in range(0, self.width, _TILE):
            stop = min(start + _TILE, self.width)
            self._note_extremes(start, stop, everything[start:stop])
        self.kept = self.width
        self._place[: self.width] = everything
        self.products_taken += (self.width + 1) / 2

    def _allocate(self) -> None:
        """Make the table in its full size: what is never written of it takes no memory."""
        if len(self._table):
            return
        self._table = self.rows.new_empty(self.capacity, len(self.rows))
        self._extremes = self.rows.new_empty(2 * self.capacity, len(self.rows) // BLOCK)

    def _note_extremes(self, start: int, stop: int, atoms: Int[Tensor, " n"]) -> None:
        products, own = self._table[start:stop], atoms[:, None]
        itself = products.gather(1, own)
        products.scatter_(1, own, 0.0)
        blocks = products.view(len(atoms), -1, BLOCK)
        extremes = self._extremes[2 * start : 2 * stop].view(len(atoms), 2, -1)
        extremes[:, 0] = blocks.amax(2)
        extremes[:, 1] = -blocks.amin(2)
        products.scatter_(1, own, itself)


def _rows_and_norms(
    dictionary: Float[Tensor, "width d"], fold: bool
) -> tuple[Float[Tensor, "width d"], Float[Tensor, " width"]]:
    """Atoms as they are used, and their norms as they were given."""
    rows = check_dictionary(dictionary)
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1)
    divisors = norms.masked_fill(norms < ZERO_NORM, 1.0)
    return (rows if not fold or _nearly_one(divisors) else rows / divisors[:, None]), norms


def _nearly_one(norms: Float[Tensor, " n"]) -> bool:
    return float((norms - 1).abs().max()) <= _FOLD_ABOVE


def _population(distinct: int, choices: int) -> float:
    """The number of equally likely atoms from which that many choices would give that many distinct ones."""
    low, high = float(max(1, distinct)), float(max(1, choices)) ** 2
    while high > 1.01 * low:
        middle = math.sqrt(low * high)
        if -middle * math.expm1(-choices / middle) < distinct:
            low = middle
        else:
            high = middle
    return high
