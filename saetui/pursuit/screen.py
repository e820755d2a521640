"""Which atom has the largest product with the residual, found exactly without taking all products at every step.

A token's products with all atoms are tracked for weights that it had some steps ago (``Batch.known``). When an atom is
taken, its own kept products bring them up to date for it. Small changes of the weights of the atoms taken before lag:
with each atom are kept its largest and its smallest product with every block of atoms, so for each block it is known
how much its products can have risen meanwhile. Blocks that cannot reach the largest product are ruled out for certain,
rounding of every product included; the atoms of the others are looked at one by one.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from saetui.pursuit.atoms import BLOCK, Atoms
from saetui.pursuit.batch import Batch
from saetui.pursuit.row_sums import add_rows

# A weight may lag by this share of the token's last product; it shrinks while lagging lets in more than one share of
# the blocks, and grows while it lets in fewer than the other. All this affects speed only, never the result.
_LAG, _LARGEST_LAG, _SHRINK, _GROW = 0.05, 0.5, 0.6, 1.15
_MANY_BLOCKS, _FEW_BLOCKS = 1 / 32, 1 / 64
# Where it lets in more than this, all that lags is accounted for before atoms are looked at.
_TOO_MANY_BLOCKS, _AT_LEAST_BLOCKS = 1 / 4, 8
# Products that may be off by this share of the largest are computed again if that helps.
_BLURRED = 0.02
# Bounds are sums of a few hundred products, rounded.
_BOUND_SLACK = 1 + 1e-4
# Elements at a time: larger arrays come from fresh memory, and every page of it costs as much as the work on it.
_CHUNK = 1 << 17


class AtomScreen:
    """Products of each token's residual with all atoms, and how far they may be off."""

    def __init__(self, atoms: Atoms, batch: Batch, space: Float[Tensor, "most columns"]) -> None:
        self._atoms = atoms
        self._batch = batch
        self._values = torch.mm(batch.signals, atoms.rows.T, out=space[: len(batch.signals)])
        self._values[:, atoms.width :] = -torch.inf
        # A dot product of d terms is off by at most d roundings of the product of the norms, and comparing adds some.
        self._rounding = (atoms.d + 8) * atoms.product_roundoff
        self._error = self._rounding * atoms.longest * batch.norms
        self._mass = batch.norms.clone()
        self._share = torch.full_like(batch.norms, _LAG)
        self._blocks = self._values.view(len(self._values), -1, BLOCK).amax(2)
        blocks = len(atoms.rows) // BLOCK
        self._many, self._few = max(2.0, blocks * _MANY_BLOCKS), max(1.0, blocks * _FEW_BLOCKS)
        self._too_many = max(_AT_LEAST_BLOCKS, blocks * _TOO_MANY_BLOCKS)
        self.products = float(len(batch.norms))
        self.rows_added = 0
        self.candidates = 0

    def pick(self, stop: float | None) -> None:
        """Find each live token's atom of the largest product with its residual, the lowest index where they are equal.

        With ``stop``, the token's own atoms do not compete, and a product that may be on either side of this share of
        the signal's norm is taken in double precision. A token that has all atoms already gets the product -inf.
        """
        batch = self._batch
        live = slice(batch.live)
        residuals = batch.residuals()
        error = self._atoms.longest * (self._rounding * batch.longest_residuals() + batch.blur())
        tokens, atoms, products = self._candidates(residuals, error)
        if stop is None:
            own, slots = batch.active[live, : batch.length].nonzero(as_tuple=True)
            tokens = torch.cat([tokens, own])
            atoms = torch.cat([atoms, batch.atoms[own, slots]])
            products = torch.cat([products, batch.correlations[own, slots]])
        best = _largest(products, tokens, batch.live)
        final = products >= (best - 2 * error)[tokens]
        unsure = torch.bincount(tokens[final], minlength=batch.live) > 1
        if stop is not None:
            unsure |= (best - stop * batch.norms[live]).abs() <= error
        if bool(unsure.any()):
            again = (final & unsure[tokens]).nonzero(as_tuple=True)[0]
            # Products that are equal in the precision of the input count as equal.
            precise = self._precise_products(tokens[again], atoms[again])
            products[again] = precise.to(self._values.dtype).double()
            best = _largest(products.masked_fill(~final, -torch.inf), tokens, batch.live)
        equal = final & (products >= best[tokens])
        chosen = torch.full_like(batch.chosen[live], self._atoms.width)
        batch.chosen[live] = chosen.scatter_reduce_(0, tokens[equal], atoms[equal], "amin")
        batch.product[live] = best

    def follow(self) -> None:
        """Bring the products up to date after a step: for the atom taken, and where a weight lags by much."""
        batch = self._batch
        live = slice(batch.live)
        tokens = batch.new[live].nonzero(as_tuple=True)[0]
        self._values[tokens, batch.chosen[tokens]] = -torch.inf
        lag = batch.lag().abs()
        due = lag > (self._share[live] * batch.product[live].abs())[:, None]
        due[tokens, batch.count[tokens] - 1] = True
        # The bounds hold for atoms other than the token's own, so nothing may lag for an atom that has left.
        due |= ~batch.active[live, : batch.length]
        self._catch_up(due)

    def readmit(self, tokens: Int[Tensor, " m"], slots: Int[Tensor, " m"]) -> None:
        """Let atoms that have left their tokens compete again."""
        batch = self._batch
        behind = (batch.gram[tokens, slots, : batch.length] * batch.lag()[tokens]).sum(1)
        products = batch.correlations[tokens, slots] + behind
        atoms = batch.atoms[tokens, slots]
        self._values[tokens, atoms] = products.to(self._values.dtype)
        own = atoms // BLOCK
        self._blocks[tokens, own] = self._values.view(len(self._values), -1, BLOCK)[tokens, own].amax(1)

    def move(self, sources: Int[Tensor, " m"], holes: Int[Tensor, " m"]) -> None:
        """Put some tokens in the place of others."""
        for array in (self._values, self._blocks, self._error, self._mass, self._share):
            array[holes] = array[sources]

    def _candidates(
        self, residuals: Float[Tensor, "live d"], error: Float[Tensor, " live"]
    ) -> tuple[Int[Tensor, " m"], Int[Tensor, " m"], Float[Tensor, " m"]]:
        """Atoms that may have the largest product, as (token, atom, product), each product off by the error at most."""
        live = self._batch.live
        reach = self._reach(residuals, error)
        lost = reach.excess > self._too_many
        if bool(lost.any()):
            self._use_kept_products(lost.nonzero(as_tuple=True)[0])
            reach = self._reach(residuals, error)
        # What is left to explain may be small compared with the rounding of products with the whole signal.
        lost = (self._error[:live] > torch.maximum(2 * error, _BLURRED * reach.product.abs())) & (
            reach.near.sum(1) > self._too_many
        )
        if bool(lost.any()):
            self._start_again(lost.nonzero(as_tuple=True)[0])
            reach = self._reach(residuals, error)
        share = self._share[:live]
        share *= torch.where(reach.excess > self._many, _SHRINK, torch.where(reach.excess < self._few, _GROW, 1.0))
        share.clamp_(max=_LARGEST_LAG)
        tokens, block = reach.near.nonzero(as_tuple=True)
        values = self._values.view(-1, BLOCK).index_select(0, tokens * self._blocks.shape[1] + block)
        found = values >= (reach.least[tokens] - reach.rise[tokens, block])[:, None]
        place, within = found.nonzero(as_tuple=True)
        tokens, atoms = tokens[place], block[place] * BLOCK + within
        self.candidates += len(tokens)
        others = (atoms != reach.first[tokens]).nonzero(as_tuple=True)[0]
        tokens, atoms = tokens[others], atoms[others]
        some = (reach.least < torch.inf).nonzero(as_tuple=True)[0]
        return (
            torch.cat([some, tokens]),
            torch.cat([reach.first[some], atoms]),
            torch.cat([reach.product[some], self._products(residuals, atoms, tokens)]),
        )

    def _reach(self, residuals: Float[Tensor, "live d"], error: Float[Tensor, " live"]) -> "_Reach":
        """Which blocks may hold the atom of the largest product."""
        live = self._batch.live
        blocks, rise = self._blocks[:live], self._rise()
        everyone = torch.arange(live, device=residuals.device)
        block = blocks.argmax(1)
        top, first = self._values.view(len(self._values), -1, BLOCK)[everyone, block].max(1)
        first += block * BLOCK
        product = self._products(residuals, first)
        # The largest product is at least that of the atom of the largest tracked one.
        least = torch.where(top > -torch.inf, product - error - self._error[:live], torch.inf).to(blocks.dtype)
        near = blocks + rise >= least[:, None]
        excess = near.sum(1) - (blocks >= least[:, None]).sum(1)
        return _Reach(first, product, least, rise, near, excess)

    def _rise(self) -> Float[Tensor, "live block"]:
        """By how much the lagging weights can at most have raised a product with an atom of each block."""
        batch, atoms = self._batch, self._atoms
        if not batch.length or not atoms.kept:
            return self._values.new_zeros(batch.live, len(atoms.rows) // BLOCK)
        lag = batch.lag().to(self._values.dtype)
        # More of an atom adds to products that are negative with it, less of it to positive ones.
        rows = 2 * batch.places[: batch.live, : batch.length] + (lag > 0)
        return embedding_bag(rows, atoms.extremes, mode="sum", per_sample_weights=lag.abs() * _BOUND_SLACK)

    def _products(
        self, residuals: Float[Tensor, "live d"], atoms: Int[Tensor, " m"], tokens: Int[Tensor, " m"] | None = None
    ) -> Float[Tensor, " m"]:
        """Products of atoms with residuals, of the tokens in order or of those given."""
        products = torch.empty(len(atoms), dtype=torch.float64, device=atoms.device)
        for part in _parts(len(atoms), self._atoms.d):
            mine = residuals[part] if tokens is None else residuals.index_select(0, tokens[part])
            products[part] = torch.linalg.vecdot(self._atoms.rows.index_select(0, atoms[part]), mine).double()
        return products

    def _precise_products(self, tokens: Int[Tensor, " m"], atoms: Int[Tensor, " m"]) -> Float[Tensor, " m"]:
        """Products of atoms with the residuals of tokens in double precision."""
        own, index = torch.unique(tokens, return_inverse=True)
        residuals = self._batch.precise_residuals(own)
        products = torch.empty(len(tokens), dtype=torch.float64, device=tokens.device)
        for part in _parts(len(atoms), self._atoms.d):
            products[part] = torch.linalg.vecdot(self._atoms.rows[atoms[part]].double(), residuals[index[part]])
        return products

    def _use_kept_products(self, tokens: Int[Tensor, " m"]) -> None:
        """Account for all lagging weights of some tokens."""
        due = torch.zeros(self._batch.live, self._batch.length, dtype=torch.bool, device=tokens.device)
        due[tokens] = True
        self._catch_up(due)

    def _catch_up(self, due: Bool[Tensor, "live length"]) -> None:
        """Account for some lagging weights by kept products; tokens that miss some of these take new ones."""
        batch, atoms = self._batch, self._atoms
        live, width = slice(batch.live), slice(batch.length)
        lag = batch.lag()
        due = due & (lag != 0)
        again = batch.missing[live] & (lag != 0).any(1)
        if bool(again.any()):
            self._start_again(again.nonzero(as_tuple=True)[0])
            due &= ~again[:, None]
        changes = lag[due]
        if not len(changes):
            return
        counts = due.sum(1)
        add_rows(self._values, counts, batch.places[live, width][due], -changes, atoms.table)
        self._blocks[live] = self._values[live].view(batch.live, -1, BLOCK).amax(2)
        changed = torch.where(due, lag, 0.0)
        batch.known[live, width] += changed
        mass = atoms.longest * changed.abs().sum(1)
        self._mass[live] += mass
        self._error[live] += atoms.longest * (self._rounding * mass + 2 * atoms.roundoff * counts * self._mass[live])
        self.rows_added += len(changes)

    def _start_again(self, tokens: Int[Tensor, " m"]) -> None:
        """Take all products of some tokens' residuals: for new atoms, or where little is left beside old rounding."""
        batch, atoms = self._batch, self._atoms
        residuals = batch.precise_residuals(tokens)
        norms = torch.linalg.vector_norm(residuals, dim=1)
        values = residuals.to(self._values.dtype) @ atoms.rows.T
        values[:, atoms.width :] = -torch.inf
        own, slots = batch.active[tokens].nonzero(as_tuple=True)
        values[own, batch.atoms[tokens][own, slots]] = -torch.inf
        self._values[tokens] = values
        self._blocks[tokens] = values.view(len(tokens), -1, BLOCK).amax(2)
        batch.known[tokens] = batch.weights[tokens]
        self._error[tokens] = (self._rounding + atoms.roundoff) * atoms.longest * norms
        self._mass[tokens] = norms
        self.products += len(tokens)


@dataclass(frozen=True)
class _Reach:
    """For each token: the atom of the largest tracked product, and what its true product leaves as candidates."""

    first: Int[Tensor, " live"]
    product: Float[Tensor, " live"]
    least: Float[Tensor, " live"]
    """What a tracked product and its rise must come to; infinite where no atom is left."""
    rise: Float[Tensor, "live block"]
    near: Bool[Tensor, "live block"]
    excess: Int[Tensor, " live"]
    """Blocks that are near because of their rise only."""


def _largest(products: Float[Tensor, " m"], tokens: Int[Tensor, " m"], n: int) -> Float[Tensor, " n"]:
    return products.new_full((n,), -torch.inf).scatter_reduce_(0, tokens, products, "amax")


def _parts(n: int, d: int) -> list[slice]:
    size = max(1, _CHUNK // d)
    return [slice(start, start + size) for start in range(0, n, size)]
