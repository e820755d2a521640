"""How much of a target's variance a prediction explains on rows it was not fitted on."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.dark_matter.intervals import ContextBootstrap, Estimate, GroupSums
from saetui.regression.scratch import Scratch

# Variance below this share of the mean square about the fixed point is rounding.
_NO_VARIANCE = 1e-12


class HeldOut:
    """Sums over held-out rows by group of contexts: of several targets and of what is left of them."""

    def __init__(self, bootstrap: ContextBootstrap, shift: Float[Tensor, " t"]) -> None:
        self._bootstrap = bootstrap
        # A point near the targets' mean, so that a large common offset costs no digits.
        self._shift = shift
        self._n = GroupSums(bootstrap, 1)
        self._sum, self._squares, self._residual = (GroupSums(bootstrap, len(shift)) for _ in range(3))
        self._scratch = Scratch()

    def add(self, groups: Int[Tensor, " n"], y: Float[Tensor, "n t"], residual: Float[Tensor, "n t"]) -> None:
        """Take in rows: targets, and target minus prediction."""
        self._n.add(groups, y.new_ones(len(y), 1))
        shifted = self._scratch.copy(y).sub_(self._shift)
        self._sum.add(groups, shifted)
        self._squares.add(groups, shifted.square_())
        self._residual.add(groups, self._scratch.copy(residual).square_())

    def r2_total(self, start: int = 0, stop: int | None = None) -> Estimate:
        """1 - squared residual / squared deviation, summed over the targets ``start:stop`` before dividing."""
        return self.r2_of(self._residual.resampled(start, stop).sum(dim=1), start, stop)

    def r2_of(self, residual: Float[Tensor, " 1+draws"], start: int = 0, stop: int | None = None) -> Estimate:
        """The same for another prediction of these targets, given its summed squared residual."""
        return self._bootstrap.estimate(1 - residual / _positive(self._total(start, stop).sum(dim=1)))

    def r2_dim_mean(self, start: int = 0, stop: int | None = None) -> Estimate:
        """The same for each target, then the mean over those that vary."""
        total, residual = self._total(start, stop), self._residual.resampled(start, stop)
        return self._bootstrap.estimate((1 - residual / _positive(total)).nanmean(dim=1))

    def constant(self, start: int = 0, stop: int | None = None) -> int:
        """Number of targets that do not vary on these rows."""
        return int((self._total(start, stop)[0] <= 0).sum())

    def _total(self, start: int, stop: int | None) -> Float[Tensor, "1+draws t"]:
        """Squared deviation of each target from its mean, 0 where that is rounding."""
        squares = self._squares.resampled(start, stop)
        total = squares - self._sum.resampled(start, stop).square() / self._n.resampled()
        return torch.where(total > _NO_VARIANCE * squares, total, 0.0)


class Unexplained:
    """Fractions of the variance of activations that several errors are, by group of contexts."""

    def __init__(self, bootstrap: ContextBootstrap, shift: Float[Tensor, " d"], errors: int) -> None:
        self._bootstrap = bootstrap
        self._shift = shift
        self._n, self._squares = GroupSums(bootstrap, 1), GroupSums(bootstrap, 1)
        self._sum = GroupSums(bootstrap, len(shift))
        self._errors = GroupSums(bootstrap, errors)

    def add(
        self, groups: Int[Tensor, " n"], x: Float[Tensor, "n d"], squared_errors: Float[Tensor, "n errors"]
    ) -> None:
        """Take in rows: activations, and the squared norm of each error."""
        shifted = x - self._shift
        self._n.add(groups, shifted.new_ones(len(shifted), 1))
        self._sum.add(groups, shifted)
        self._squares.add(groups, shifted.square().sum(dim=1, keepdim=True))
        self._errors.add(groups, squared_errors)

    def fvu(self, error: int) -> Estimate:
        """Fraction of variance unexplained of one of the errors; undefined where the activations do not vary."""
        squares = self._squares.resampled()[:, 0]
        total = squares - self._sum.resampled().square().sum(dim=1) / self._n.resampled()[:, 0]
        total = torch.where(total > _NO_VARIANCE * squares, total, 0.0)
        return self._bootstrap.estimate(self._errors.resampled(error, error + 1)[:, 0] / _positive(total))


def _positive(total: Tensor) -> Tensor:
    """NaN in place of no variance."""
    return torch.where(total > 0, total, torch.nan)
