"""The pursuit of a batch on a GPU: all its tokens go in step, and the host asks the device once per step.

A GPU takes every product faster than a host can rule some out, and stands idle while the host waits to hear which
tokens are done. So tokens stay where they are: those that no atom can help are frozen, and those that have all their
atoms are the last ones, because the targets fall along the batch and the host knows them.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.pursuit.atoms import Atoms
from saetui.pursuit.batch import Batch, parts_of

# Candidates of each token whose products are taken in double precision; more where more may be the largest.
_CANDIDATES, _MORE = 8, 8


@dataclass(frozen=True)
class _Candidates:
    """For each live token the atoms of the largest products, own atoms aside, and the products in double precision."""

    atoms: Int[Tensor, "live k"]
    products: Float[Tensor, "live k"]
    wide: Bool[Tensor, " live"]
    """Whether an atom beyond these may have the largest product."""


class Lockstep:
    """The tokens of a batch, sorted by falling target."""

    def __init__(self, atoms: Atoms, batch: Batch, space: Float[Tensor, "most columns"], targets: list[int]) -> None:
        self._atoms, self._batch, self._space = atoms, batch, space
        self._negative_targets = [-target for target in targets]
        self._rounding = (atoms.d + 8) * atoms.product_roundoff
        batch.frozen = torch.zeros(batch.live, dtype=torch.bool, device=batch.norms.device)
        self._frozen = batch.frozen
        self._residuals = batch.signals.double()
        self.products = 0.0

    @property
    def going(self) -> Bool[Tensor, " live"]:
        """The live tokens that are not frozen."""
        return ~self._frozen[: self._batch.live]

    def freeze(self, tokens: Bool[Tensor, " live"]) -> None:
        """Let some tokens take no more steps."""
        self._frozen[: self._batch.live] |= tokens

    def pick(self, stop: float | None) -> bool:
        """Find each live token's atom of the largest product, the lowest index where they are equal: the step's wait.

        With ``stop``, own atoms do not compete. Tokens whose product is at most this share of the signal's norm are
        frozen, and those that have all atoms. False where nothing is going any more.
        """
        batch, live = self._batch, slice(self._batch.live)
        k = min(_CANDIDATES, self._atoms.width)
        values = self._values()
        found = self._candidates(values, k)
        wide, going = torch.stack([found.wide.any(), self.going.any()]).tolist()
        if not going:
            return False
        while wide:
            k = min(_MORE * k, self._atoms.width)
            found = self._candidates(values, k)
            wide = bool(found.wide.any())
        atoms, products = found.atoms, found.products
        if stop is None and batch.length:
            own = batch.active[live, : batch.length]
            atoms = torch.cat([atoms, batch.atoms[live, : batch.length]], 1)
            products = torch.cat([products, torch.where(own, batch.correlations[live, : batch.length], -torch.inf)], 1)
        # Products that are equal in the precision of the input count as equal.
        rounded = products.to(values.dtype)
        best = rounded.amax(1, keepdim=True)
        least = torch.where(rounded >= best, atoms, self._atoms.width).amin(1, keepdim=True)
        place = ((rounded >= best) & (atoms == least)).int().argmax(1, keepdim=True)
        batch.chosen[live] = least.squeeze(1)
        batch.product[live] = products.gather(1, place).squeeze(1)
        stuck = batch.product[live] == -torch.inf
        if stop is not None:
            stuck |= batch.product[live] <= stop * batch.norms[live]
        self.freeze(stuck)
        return True

    def refresh(self) -> None:
        """Take residuals, their norms, and their products with the tokens' own atoms again, in double precision."""
        batch = self._batch
        self._residuals = batch.refresh(torch.arange(batch.live, device=batch.norms.device))

    def retire(self, all_of_them: bool, hand_in: Callable[[Int[Tensor, " m"]], None]) -> None:
        """Hand in the tokens that have as many steps as their target, or all."""
        batch = self._batch
        left = 0 if all_of_them else bisect_left(self._negative_targets, -batch.length, 0, batch.live)
        if left < batch.live:
            tokens = torch.arange(left, batch.live, device=batch.norms.device)
            # What comes after the last step moves the weights of frozen tokens too.
            batch.frozen = torch.zeros_like(self._frozen)
            hand_in(tokens)
            batch.frozen = self._frozen
            batch.live = left
            self._residuals = self._residuals[:left]

    def _values(self) -> Float[Tensor, "live columns"]:
        """Products of all residuals with all atoms, -inf for own ones."""
        batch, rows = self._batch, self._atoms.rows
        live, width = slice(batch.live), slice(batch.length)
        values = torch.mm(self._residuals.to(rows.dtype), rows.T, out=self._space[live])
        values[:, self._atoms.width :] = -torch.inf
        if batch.length:
            # Added, because an empty slot names an atom too, and two writes to one place have no order.
            barred = torch.where(batch.active[live, width], -torch.inf, 0.0).to(values.dtype)
            values.scatter_add_(1, batch.atoms[live, width], barred)
        self.products += batch.live
        return values

    def _candidates(self, values: Float[Tensor, "live columns"], k: int) -> _Candidates:
        batch = self._batch
        top = values.topk(k, dim=1)
        products = torch.empty(top.values.shape, dtype=torch.float64, device=values.device)
        for part in parts_of(len(values), k * self._atoms.d, values.device):
            rows = self._atoms.rows[top.indices[part]].double()
            products[part] = (rows @ self._residuals[part, :, None]).squeeze(2)
        products = products.masked_fill(top.values == -torch.inf, -torch.inf)
        error = self._rounding * self._atoms.longest * (batch.squares[: batch.live].sqrt())
        near = values >= (products.amax(1) - 2 * error)[:, None]
        return _Candidates(top.indices, products, (near.sum(1) > k) & self.going & (top.values[:, 0] > -torch.inf))
