"""Which atom has the largest product with the residual, found exactly without taking all products at every step.

A token's products with all atoms are tracked for weights that it had some steps ago (``Batch.known``). When an atom is
taken, its own kept products bring them up to date for it. The small changes of the weights of the atoms taken before lag:
with each atom are kept its largest and its smallest product with every block of atoms, so that for a block of atoms it is
known how much its products can have risen. Blocks that cannot reach the largest product are ruled out for certain, rounding
of every product included; what is left is looked at one by one.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from saetui.pursuit.atoms import BLOCK, Atoms
from saetui.pursuit.batch import Batch
from saetui.pursuit.sparse_sum import add_rows

# With more than this share of blocks left to look at, a token's tracked products are brought up to date first, or after
# the step.
_TOO_MANY_BLOCKS, _MANY_BLOCKS = 1 / 8, 1 / 40
_AT_LEAST = 8
SHRINK,GROW,RATIO,MANY,FEW=.6,1.15,.05,1/64,1/90
# Bounds are sums of a few hundred products in the precision of the dictionary.
_BOUND_SLACK = 1 + 1e-4
_CHUNK = 1 << 22


class Screen:
    """Products of each token's residual with all atoms, and how far they may be off."""

    def __init__(self, atoms: Atoms, batch: Batch) -> None:
        self._atoms = atoms
        self._batch = batch
        self.values: Float[Tensor, "b columns"] = batch.signals @ atoms.rows.T
        self.values[:, atoms.width :] = -torch.inf
        # A dot product of d terms is off by at most d roundings of the product of the norms.
        self._rounding = (atoms.d + 4) * atoms.precision
        self._error = self._rounding * atoms.longest * batch.norms
        self._mass = batch.norms.clone()
        self._ratio = torch.full_like(batch.norms, RATIO)
        self._near = torch.zeros(len(batch.norms), dtype=torch.long, device=atoms.device)
        blocks = len(atoms.rows) // BLOCK
        self._too_many, self._many = max(_AT_LEAST, blocks * _TOO_MANY_BLOCKS), max(1.0, blocks * _MANY_BLOCKS)
        self._many, self._few = max(1, blocks*MANY), blocks*FEW
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
        residuals = batch.residuals_now()
        error = self._atoms.longest * (
            self._rounding * torch.linalg.vector_norm(residuals, dim=1, dtype=torch.float64) + batch.blur()
        )
        tokens, atoms, values = self._candidates(residuals, error)
        if stop is None:
            own, slots = batch.active[live, : batch.length].nonzero(as_tuple=True)
            tokens = torch.cat([tokens, own])
            atoms = torch.cat([atoms, batch.atoms[own, slots]])
            values = torch.cat([values, batch.correlations[own, slots]])
        best = _largest(values, tokens, batch.live)
        final = values >= (best - 2 * error)[tokens]
        unsure = torch.bincount(tokens[final], minlength=batch.live) > 1
        if stop is not None:
            unsure |= (best - stop * batch.norms[live]).abs() <= error
        if bool(unsure.any()):
            again = (final & unsure[tokens]).nonzero(as_tuple=True)[0]
            values[again] = self._exact(tokens[again], atoms[again])
            best = _largest(torch.where(final, values, -torch.inf), tokens, batch.live)
        ties = final & (values >= best[tokens])
        chosen = torch.full_like(batch.chosen[live], self._atoms.width)
        batch.chosen[live] = chosen.scatter_reduce_(0, tokens[ties], atoms[ties], "amin")
        batch.product[live] = best

    def follow(self) -> None:
        """Bring the products up to date after a step: for the atom taken, and for all where much had to be looked at."""
        batch = self._batch
        tokens = batch.new[: batch.live].nonzero(as_tuple=True)[0]
        self.values[tokens, batch.chosen[tokens]] = -torch.inf
        # The bounds hold for atoms other than the token's own, so nothing may lag for an atom that has left.
        due = ~batch.active[: batch.live, : batch.length]
        near, ratio = self._near[: batch.live], self._ratio[: batch.live]
        ratio *= torch.where(near > self._many, SHRINK, torch.where(near < self._few, GROW, 1.0))
        due |= batch.lag().abs() > (ratio * batch.product[: batch.live].abs())[:, None]
        due[tokens, batch.count[tokens] - 1] = True
        self._catch_up(due)

    def readmit(self, tokens: Int[Tensor, " m"], slots: Int[Tensor, " m"]) -> None:
        """Let atoms that have left their tokens compete again."""
        batch = self._batch
        behind = (batch.gram[tokens, slots, : batch.length] * batch.lag()[tokens]).sum(1)
        products = batch.correlations[tokens, slots] + behind
        self.values[tokens, batch.atoms[tokens, slots]] = products.to(self.values.dtype)

    def move(self, sources: Int[Tensor, " m"], holes: Int[Tensor, " m"]) -> None:
        """Put some tokens in the place of others."""
        for array in (self.values, self._error, self._mass, self._near, self._ratio):
            array[holes] = array[sources]

    def _candidates(
        self, residuals: Float[Tensor, "live d"], error: Float[Tensor, " live"]
    ) -> tuple[Int[Tensor, " m"], Int[Tensor, " m"], Float[Tensor, " m"]]:
        """Atoms that may have the largest product, as (token, atom, product up to the error)."""
        batch = self._batch
        everyone = torch.arange(batch.live, device=residuals.device)
        values = self.values[: batch.live].view(batch.live, -1, BLOCK)
        blocks = values.amax(2)
        rise = self._rise()
        for remedy in (self._use_kept_products, self._start_anew, None):
            block = blocks.argmax(1)
            top, first = values[everyone, block].max(1)
            first += block * BLOCK
            product = self._products(residuals, first)
            least = product - error - self._error[: batch.live]
            least = torch.where(top > -torch.inf, least, torch.inf).to(blocks.dtype)
            near = blocks + rise >= least[:, None]
            count = near.sum(1)
            lost = (count > self._too_many).nonzero(as_tuple=True)[0]
            if remedy is None or not len(lost):
                break
            remedy(lost)
            blocks[lost] = values[lost].amax(2)
            rise[lost] = 0.0
        self._near[: batch.live] = count
        tokens, block = near.nonzero(as_tuple=True)
        found = values[tokens, block]
        place, within = (found >= (least[tokens] - rise[tokens, block])[:, None]).nonzero(as_tuple=True)
        tokens, atoms = tokens[place], block[place] * BLOCK + within
        self.candidates += len(tokens)
        others = atoms != first[tokens]
        tokens, atoms = tokens[others], atoms[others]
        some = top > -torch.inf
        products = self._products(residuals[tokens], atoms)
        return (
            torch.cat([everyone[some], tokens]),
            torch.cat([first[some], atoms]),
            torch.cat([product[some], products]),
        )

    def _products(self, residuals: Float[Tensor, "m d"], atoms: Int[Tensor, " m"]) -> Float[Tensor, " m"]:
        return torch.linalg.vecdot(self._atoms.rows[atoms], residuals).double()

    def _use_kept_products(self, tokens: Int[Tensor, " m"]) -> None:
        due = torch.zeros(self._batch.live, self._batch.length, dtype=torch.bool, device=tokens.device)
        due[tokens] = True
        self._catch_up(due)

    def _rise(self) -> Float[Tensor, "live block"]:
        """By how much the lagging weights can at most have raised a product with an atom of each block."""
        batch, atoms = self._batch, self._atoms
        lag = batch.lag().to(self.values.dtype)
        if not batch.length or not atoms.kept:
            return lag.new_zeros(batch.live, len(atoms.rows) // BLOCK)
        # An atom's second row of extremes is what more of it can add, its first what less of it can.
        rows = 2 * batch.places[: batch.live, : batch.length] + (lag > 0)
        return embedding_bag(rows, atoms.extremes, mode="sum", per_sample_weights=lag.abs() * _BOUND_SLACK)

    def _exact(self, tokens: Int[Tensor, " m"], atoms: Int[Tensor, " m"]) -> Float[Tensor, " m"]:
        """Products of atoms with residuals in double precision."""
        own, index = torch.unique(tokens, return_inverse=True)
        residuals = self._batch.residuals(own)
        products = torch.empty(len(tokens), dtype=torch.float64, device=tokens.device)
        size = max(1, _CHUNK // self._atoms.d)
        for start in range(0, len(tokens), size):
            part = slice(start, start + size)
            products[part] = (self._atoms.rows[atoms[part]].double() * residuals[index[part]]).sum(1)
        return products

    def _catch_up(self, due: Bool[Tensor, "live length"]) -> None:
        """Account for the lagging weights of some atoms: by kept products, or by new ones where those are not kept."""
        batch, atoms = self._batch, self._atoms
        live, width = slice(batch.live), slice(batch.length)
        if atoms.kept < atoms.width:
            anew = (batch.missing[live] & due.any(1)).nonzero(as_tuple=True)[0]
            if len(anew):
                self._start_anew(anew)
        lag = batch.lag()
        due = due & (lag != 0)
        changes = lag[due]
        if not len(changes):
            return
        counts = due.sum(1)
        add_rows(self.values, counts, batch.places[live, width][due], -changes, atoms.table)
        batch.known[live, width] += torch.where(due, lag, 0.0)
        mass = atoms.longest * torch.where(due, lag.abs(), 0.0).sum(1)
        self._mass[live] += mass
        self._error[live] += self._rounding * atoms.longest * mass
        self._error[live] += counts * (2 * atoms.precision * atoms.longest) * self._mass[live]
        self.rows_added += len(changes)

    def _start_anew(self, tokens: Int[Tensor, " m"]) -> None:
        """Take all products of some tokens' residuals."""
        batch, atoms = self._batch, self._atoms
        residuals = batch.residuals(tokens)
        norms = torch.linalg.vector_norm(residuals, dim=1)
        values = residuals.to(self.values.dtype) @ atoms.rows.T
        values[:, atoms.width :] = -torch.inf
        self.values[tokens] = values
        batch.known[tokens] = batch.weights[tokens]
        member, slot = batch.active[tokens].nonzero(as_tuple=True)
        self.values[tokens[member], batch.atoms[tokens[member], slot]] = -torch.inf
        self._error[tokens] = (self._rounding + atoms.precision) * atoms.longest * norms
        self._mass[tokens] = norms
        self.products += len(tokens)


def _largest(values: Float[Tensor, " m"], tokens: Int[Tensor, " m"], n: int) -> Float[Tensor, " n"]:
    largest = values.new_full((n,), -torch.inf)
    return largest.scatter_reduce_(0, tokens, values, "amax")
