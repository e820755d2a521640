"""Which atom has the largest product with the residual, found exactly without taking all products at every step.

A token's products with all atoms are kept for weights that it had some steps ago (``Batch.known``). When an atom is
taken, its own products with all atoms, which are kept for reuse, bring them up to date for it; the small changes of the
weights of the atoms taken before are left for later, since no product can change by more than the norm of that change of
the reconstruction, nor by more than the coherences of those atoms allow. What is within reach of the largest product is
looked at one by one; all else is ruled out for certain, rounding of every product included.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from saetui.pursuit.atoms import BLOCK, Atoms
from saetui.pursuit.batch import Batch

# A token with more blocks within reach than this has its products brought up to date before its atoms are looked at.
_MANY_BLOCKS = 24
# Adding a row of this many columns costs as much as looking at one atom.
_COLUMNS_A_CANDIDATE = 1024
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
        self._looked_at = torch.zeros(len(batch.norms), dtype=torch.long, device=atoms.device)
        self.products = float(len(batch.norms))
        self.rows_added = 0
        self.candidates = 0

    def pick(self, stop: float | None) -> None:
        """Find each live token's atom of the largest product with its residual, the lowest index where they are equal.

        With ``stop``, the token's own atoms do not compete, and a product that may be on either side of this share of
        the signal's norm is taken in double precision. A token that has all atoms already gets the product -inf.
        """
        batch = self._batch
        least, blocks = self._within_reach()
        tokens, atoms, values = self._candidates(blocks, least)
        error = self._error[: batch.live]
        if stop is None:
            own, slots = batch.active[: batch.live, : batch.length].nonzero(as_tuple=True)
            tokens = torch.cat([tokens, own])
            atoms = torch.cat([atoms, batch.atoms[own, slots]])
            values = torch.cat([values, batch.correlations[own, slots]])
        best = _largest(values, tokens, batch.live)
        final = values >= (best - 2 * error)[tokens]
        unsure = torch.bincount(tokens[final], minlength=batch.live) > 1
        if stop is not None:
            unsure |= (best - stop * batch.norms[: batch.live]).abs() <= error
        again = (final & unsure[tokens]).nonzero(as_tuple=True)[0]
        if len(again):
            values[again] = self._exact(tokens[again], atoms[again])
            best = _largest(torch.where(final, values, -torch.inf), tokens, batch.live)
        ties = final & (values >= best[tokens])
        chosen = torch.full_like(batch.chosen[: batch.live], self._atoms.width)
        batch.chosen[: batch.live] = chosen.scatter_reduce_(0, tokens[ties], atoms[ties], "amin")
        batch.product[: batch.live] = best

    def follow(self) -> None:
        """Bring the products up to date after a step."""
        batch = self._batch
        tokens = batch.new[: batch.live].nonzero(as_tuple=True)[0]
        self.values[tokens, batch.chosen[tokens]] = -torch.inf
        lag = batch.lag()
        due = torch.zeros(lag.shape, dtype=torch.bool, device=lag.device)
        due[tokens, batch.count[tokens] - 1] = True
        tired = self._looked_at[: batch.live] * _COLUMNS_A_CANDIDATE > self._atoms.width
        self._looked_at[: batch.live].masked_fill_(tired, 0)
        # The bounds hold for atoms other than the token's own, so nothing may lag for an atom that has left.
        due |= tired[:, None] | ~batch.active[: batch.live, : batch.length]
        self._catch_up(due & (lag != 0), lag)

    def readmit(self, tokens: Int[Tensor, " m"], slots: Int[Tensor, " m"]) -> None:
        """Let atoms that have left their tokens compete again."""
        batch = self._batch
        lag = batch.lag()
        behind = (batch.gram[tokens, slots, : batch.length] * lag[tokens]).sum(1)
        products = batch.correlations[tokens, slots] + behind
        self.values[tokens, batch.atoms[tokens, slots]] = products.to(self.values.dtype)

    def move(self, sources: Int[Tensor, " m"], holes: Int[Tensor, " m"]) -> None:
        """Put some tokens in the place of others."""
        for array in (self.values, self._error, self._mass, self._looked_at):
            array[holes] = array[sources]

    def _within_reach(self) -> tuple[Float[Tensor, " live"], Float[Tensor, "live block"]]:
        """The least tracked product that may be the largest true one, and the largest tracked one by block."""
        batch = self._batch
        live = slice(batch.live)
        blocks = self.values[live].view(batch.live, -1, BLOCK).amax(2)
        behind = self._lagging()
        least = self._least(blocks, behind)
        lost = (blocks >= least[:, None]).sum(1) > _MANY_BLOCKS
        late = lost & (behind > 0)
        if bool(late.any()):
            lag = batch.lag()
            self._catch_up(late[:, None] & (lag != 0), lag)
            blocks[late] = self.values[live][late].view(-1, blocks.shape[1], BLOCK).amax(2)
            least = self._least(blocks, self._lagging())
            lost = (blocks >= least[:, None]).sum(1) > _MANY_BLOCKS
        if bool(lost.any()):
            # What is left to explain is small beside the rounding of products with the whole signal.
            again = lost.nonzero(as_tuple=True)[0]
            self._start_anew(again)
            blocks[again] = self.values[again].view(-1, blocks.shape[1], BLOCK).amax(2)
            least = self._least(blocks, self._lagging())
        return least, blocks

    def _least(self, blocks: Float[Tensor, "live block"], behind: Float[Tensor, " live"]) -> Float[Tensor, " live"]:
        """What a tracked product must be for its true value to reach that of the atom of the largest tracked one."""
        batch = self._batch
        tokens = torch.arange(batch.live, device=blocks.device)
        block = blocks.argmax(1)
        top = self.values[: batch.live].view(batch.live, -1, BLOCK)[tokens, block].max(1)
        best = self._up_to_date(tokens, block * BLOCK + top.indices, top.values.double())
        least = (best - behind - 2 * self._error[: batch.live]).to(blocks.dtype)
        return torch.where(least > -torch.inf, torch.nextafter(least, torch.full_like(least, -torch.inf)), torch.inf)

    def _lagging(self) -> Float[Tensor, " live"]:
        """The most that the lagging weights can change any product with an atom that is not the token's own."""
        batch, atoms = self._batch, self._atoms
        if not batch.length:
            return torch.zeros(batch.live, dtype=torch.float64, device=atoms.device)
        lag = batch.lag()
        mass = lag.abs()
        total = mass.sum(1)
        square = (lag * batch.through_gram(lag, slice(batch.live))).sum(1)
        bound = atoms.longest * (square + self._rounding * atoms.longest**2 * total.square()).clamp(min=0).sqrt()
        if atoms.kept:
            own = batch.atoms[: batch.live, : batch.length]
            coherence = atoms.coherence(own).masked_fill(atoms.places(own) < 0, torch.inf)
            by_coherence = torch.where(mass > 0, mass * coherence, 0.0).sum(1)
            bound = torch.minimum(bound, by_coherence)
        return bound + self._rounding * atoms.longest**2 * total

    def _candidates(
        self, blocks: Float[Tensor, "live block"], least: Float[Tensor, " live"]
    ) -> tuple[Int[Tensor, " m"], Int[Tensor, " m"], Float[Tensor, " m"]]:
        """Atoms that may have the largest product, as (token, atom, up-to-date product)."""
        batch = self._batch
        tokens, block = (blocks >= least[:, None]).nonzero(as_tuple=True)
        values = self.values[: batch.live].view(batch.live, -1, BLOCK)[tokens, block]
        place, within = (values >= least[tokens, None]).nonzero(as_tuple=True)
        tokens, atoms = tokens[place], block[place] * BLOCK + within
        self.candidates += len(tokens)
        self._looked_at[: batch.live] += torch.bincount(tokens, minlength=batch.live)
        return tokens, atoms, self._up_to_date(tokens, atoms, values[place, within].double())

    def _up_to_date(
        self, tokens: Int[Tensor, " m"], atoms: Int[Tensor, " m"], tracked: Float[Tensor, " m"]
    ) -> Float[Tensor, " m"]:
        """Tracked products of some atoms with the lagging weights taken account of."""
        if not self._batch.length:
            return tracked
        lag = self._batch.lag()[tokens]
        return tracked - (self._rows_at(tokens, atoms, lag) * lag).sum(1)

    def _rows_at(
        self, tokens: Int[Tensor, " m"], atoms: Int[Tensor, " m"], lag: Float[Tensor, "m length"]
    ) -> Float[Tensor, "m length"]:
        batch, table = self._batch, self._atoms.table
        places = self._atoms.places(batch.atoms[tokens, : batch.length])
        if bool(((places < 0) & (lag != 0)).any()):
            return batch.exact_products(tokens, atoms)
        return table.view(-1)[places.clamp(min=0) * table.shape[1] + atoms[:, None]].double()

    def _exact(self, tokens: Int[Tensor, " m"], atoms: Int[Tensor, " m"]) -> Float[Tensor, " m"]:
        """Products of atoms with residuals in double precision."""
        own, index = tokens.unique(return_inverse=True)
        residuals = self._batch.residuals(own)
        products = torch.empty(len(tokens), dtype=torch.float64, device=tokens.device)
        size = max(1, _CHUNK // self._atoms.d)
        for start in range(0, len(tokens), size):
            part = slice(start, start + size)
            products[part] = (self._atoms.rows[atoms[part]].double() * residuals[index[part]]).sum(1)
        return products

    def _catch_up(self, due: Bool[Tensor, "live length"], lag: Float[Tensor, "live length"]) -> None:
        """Account for some of the lagging weights: by kept rows, or by a new product where a row is not kept."""
        batch, atoms = self._batch, self._atoms
        own = batch.atoms[: batch.live, : batch.length]
        anew = (due & (atoms.places(own) < 0)).any(1)
        if bool(anew.any()):
            self._start_anew(anew.nonzero(as_tuple=True)[0])
            due = due & ~anew[:, None]
        counts = due.sum(1)
        tokens = counts.nonzero(as_tuple=True)[0]
        if not len(tokens):
            return
        changes = lag[due]
        counts = counts[tokens]
        change = embedding_bag(
            atoms.places(own[due]),
            atoms.table,
            counts.cumsum(0) - counts,
            mode="sum",
            per_sample_weights=changes.to(self.values.dtype),
        )
        if len(tokens) == batch.live:
            self.values[: batch.live] -= change
        else:
            self.values[tokens] -= change
        batch.known[: batch.live, : batch.length][due] += changes
        mass = torch.where(due, lag.abs(), 0.0).sum(1)[tokens]
        self._mass[tokens] += atoms.longest * mass
        self._error[tokens] += self._rounding * atoms.longest**2 * mass
        self._error[tokens] += (counts + 1) * atoms.precision * atoms.longest * self._mass[tokens]
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
