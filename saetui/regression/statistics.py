"""Sufficient statistics of least squares, added up in float64 batch by batch, and the closed-form solution.

The predictors' Gram matrix is kept once and factored once for any number of targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.regression.scratch import Scratch

# Of the mean eigenvalue of the predictors' Gram matrix: keeps directions without variance out of the solution.
RIDGE = 1e-6
# Eigenvalues below this share of the largest do not count as a direction.
_RANK_TOLERANCE = 1e-10
# Variance below this share of the mean square is rounding.
_NO_VARIANCE = 1e-20
_NO_ROWS = "no rows were added, so there is nothing to fit; give activations"


@dataclass(frozen=True)
class LinearMap:
    """``x @ weight + intercept``; float64."""

    weight: Float[Tensor, "p t"]
    intercept: Float[Tensor, " t"]

    def __call__(self, x: Float[Tensor, "n p"]) -> Float[Tensor, "n t"]:
        return torch.addmm(self.intercept, x.to(self.weight), self.weight)

    def columns(self, start: int, stop: int) -> "LinearMap":
        """The map to some of the targets."""
        return LinearMap(self.weight[:, start:stop], self.intercept[start:stop])


class Predictors:
    """Count, mean and Gram matrix of the predictors.

    Values are shifted by the mean of the first batch, so that a large common offset costs no digits.
    """

    def __init__(self) -> None:
        self.n = 0
        self._shift: Tensor | None = None
        self._sum = self._gram = torch.empty(0)
        self._factor: tuple[object, Tensor] | None = None
        self._scratch = Scratch()

    @property
    def width(self) -> int:
        return len(self._sum)

    def shifted(self, x: Float[Tensor, "n p"]) -> Float[Tensor, "n p"]:
        """Rows in float64, relative to the fixed point that all sums are kept about; until the next call."""
        x = x.double()
        if self._shift is None:
            if not len(x):
                return x
            self._shift = x.mean(dim=0)
            self._sum = torch.zeros_like(self._shift)
            self._gram = x.new_zeros(x.shape[1], x.shape[1])
        return torch.sub(x, self._shift, out=self._scratch(*x.shape, device=x.device))

    def add(self, shifted: Float[Tensor, "n p"]) -> None:
        """Take in rows that ``shifted`` gave."""
        if not len(shifted):
            return
        self._factor = None
        self.n += len(shifted)
        self._sum += shifted.sum(dim=0)
        self._gram.addmm_(shifted.T, shifted)

    def absorb(self, other: "Predictors") -> None:
        """Merge in what another one has seen."""
        if not other.n:
            return
        if self._shift is None:
            self.shifted(other.shift[None])
        moved = other.shift - self.shift
        self._factor = None
        self._gram += other._gram + torch.outer(moved, other._sum) + torch.outer(other._sum, moved)
        self._gram += other.n * torch.outer(moved, moved)
        self._sum += other._sum + other.n * moved
        self.n += other.n

    @property
    def shift(self) -> Float[Tensor, " p"]:
        if self._shift is None:
            raise ValueError(_NO_ROWS)
        return self._shift

    @property
    def shifted_mean(self) -> Float[Tensor, " p"]:
        return self._sum / self.n

    @property
    def mean(self) -> Float[Tensor, " p"]:
        return self.shift + self.shifted_mean

    def gram(self, *, centred: bool) -> Float[Tensor, "p p"]:
        """Sums of products about the mean, or about zero."""
        if centred:
            return self._gram - torch.outer(self._sum, self.shifted_mean)
        mixed = torch.outer(self.shift, self._sum)
        return self._gram + mixed + mixed.T + self.n * torch.outer(self.shift, self.shift)

    @property
    def squared_deviation(self) -> float:
        """Summed squared distance of the rows to their mean."""
        return float(self._gram.diagonal().sum() - self._sum @ self.shifted_mean)

    def constant_columns(self) -> Int[Tensor, " c"]:
        """Predictors that do not vary."""
        variances = (self._gram.diagonal() - self._sum * self.shifted_mean) / self.n
        scale = self.mean.square() + variances.mean()
        return (variances <= 1e-12 * scale).nonzero(as_tuple=True)[0]

    def rank(self) -> int:
        """Directions in which the rows vary."""
        eigenvalues = torch.linalg.eigvalsh(self.gram(centred=True))
        return int((eigenvalues > _RANK_TOLERANCE * eigenvalues[-1].clamp_min(1e-300)).sum())

    def factor(
        self, *, centred: bool, ridge: float = RIDGE, columns: Sequence[int] | None = None
    ) -> Float[Tensor, "p p"]:
        """Cholesky factor of the Gram matrix plus ``ridge`` times its mean eigenvalue; the last one is kept.

        Raises ValueError where the predictors do not vary.
        """
        if not self.n:
            raise ValueError(_NO_ROWS)
        key = (centred, ridge, None if columns is None else tuple(columns))
        if self._factor is None or self._factor[0] != key:
            gram, deviations = self.gram(centred=centred), self.gram(centred=True).diagonal()
            if columns is not None:
                chosen = torch.as_tensor(list(columns), device=gram.device)
                gram, deviations = gram[chosen][:, chosen], deviations[chosen]
            penalty = ridge * float(deviations.mean())
            if not penalty > 0 or self.squared_deviation <= _NO_VARIANCE * self.n * float(self.mean @ self.mean):
                raise ValueError("the predictors are the same in every row, so nothing can be fitted to them")
            gram.diagonal().add_(penalty)
            self._factor = key, torch.linalg.cholesky(gram)
        return self._factor[1]


class Spread:
    """Variance of rows, summed up about any fixed point near them."""

    def __init__(self) -> None:
        self.n = 0
        self._sum = self._squares = torch.zeros((), dtype=torch.float64)

    def add(self, shifted: Float[Tensor, "n p"]) -> None:
        """Take in rows relative to the fixed point, which is the same in every call."""
        self.n += len(shifted)
        self._sum = self._sum + shifted.double().sum(dim=0)
        self._squares = self._squares + shifted.double().square().sum()

    @property
    def variance(self) -> float:
        """Mean squared distance of a row to the mean row; ValueError without rows."""
        if not self.n:
            raise ValueError(_NO_ROWS)
        return max(float(self._squares / self.n - (self._sum / self.n).square().sum()), 0.0)


class Targets:
    """Cross products of shared predictors with some targets."""

    def __init__(self, predictors: Predictors) -> None:
        self.predictors = predictors
        self.n = 0
        self._shift: Tensor | None = None
        self._sum = self._squares = self._cross = torch.empty(0)
        self._scratch = Scratch()

    def add(self, shifted: Float[Tensor, "n p"], y: Float[Tensor, "n t"]) -> None:
        """Take in rows: predictors as ``Predictors.shifted`` gave them, and targets."""
        if not len(y):
            return
        if self._shift is None:
            self._start(y.double(), shifted.shape[1])
        y = self._scratch.copy(y).sub_(self.shift)
        self.n += len(y)
        self._sum += y.sum(dim=0)
        self._cross.addmm_(shifted.T, y)
        self._squares += y.square_().sum(dim=0)

    def _start(self, y: Float[Tensor, "n t"], width: int) -> None:
        self._shift = y.mean(dim=0)
        self._sum, self._squares = torch.zeros_like(self._shift), torch.zeros_like(self._shift)
        self._cross = y.new_zeros(width, y.shape[1])

    @property
    def shift(self) -> Float[Tensor, " t"]:
        if self._shift is None:
            raise ValueError(_NO_ROWS)
        return self._shift

    @property
    def mean(self) -> Float[Tensor, " t"]:
        return self.shift + self._sum / self.n

    @property
    def squared_deviation(self) -> Float[Tensor, " t"]:
        """Summed squared distance of each target to its mean."""
        return self._squares - self._sum.square() / self.n

    def cross(self, *, centred: bool) -> Float[Tensor, "p t"]:
        """Sums of products of predictors and targets about their means, or about zero."""
        predictors = self.predictors
        if self.n != predictors.n:
            raise ValueError(f"the targets have {self.n} rows, their predictors {predictors.n}; add the same rows")
        if centred:
            return self._cross - torch.outer(predictors.shifted_mean, self._sum)
        rows = predictors.n * (predictors.shifted_mean + predictors.shift)
        return self._cross + torch.outer(predictors.shift, self._sum) + torch.outer(rows, self.shift)

    def absorb(self, other: "Targets") -> None:
        """Take in what another one has seen; its predictors must be taken in as well."""
        if not other.n:
            return
        if self._shift is None:
            self._start(other.shift[None], self.predictors.width)
        moved, moved_x = other.shift - self.shift, other.predictors.shift - self.predictors.shift
        of_predictors = other.predictors._sum
        self._cross += other._cross + torch.outer(moved_x, other._sum) + torch.outer(of_predictors, moved)
        self._cross += other.n * torch.outer(moved_x, moved)
        self._squares += other._squares + 2 * moved * other._sum + other.n * moved.square()
        self._sum += other._sum + other.n * moved
        self.n += other.n

    def squared_residual(self, fitted: LinearMap, columns: Sequence[int] | None = None) -> Float[Tensor, " t"]:
        """Summed squared residual of a map, from some columns of the predictors, on the rows that were added."""
        predictors = self.predictors
        gram, cross = predictors._gram, self._cross
        sums, shift = predictors._sum, predictors.shift
        if columns is not None:
            chosen = torch.as_tensor(list(columns), device=gram.device)
            gram, cross, sums, shift = gram[chosen][:, chosen], cross[chosen], sums[chosen], shift[chosen]
        weight = fitted.weight
        constant = fitted.intercept + shift @ weight - self.shift
        of_weights = (weight * (gram @ weight - 2 * cross)).sum(dim=0)
        return self._squares + of_weights + constant * (2 * sums @ weight - 2 * self._sum + self.n * constant)

    def solve(self, *, intercept: bool = True, ridge: float = RIDGE, columns: Sequence[int] | None = None) -> LinearMap:
        """The least-squares map from the predictors, or from some of their columns, to the targets."""
        factor = self.predictors.factor(centred=intercept, ridge=ridge, columns=columns)
        cross, mean = self.cross(centred=intercept), self.predictors.mean
        if columns is not None:
            chosen = torch.as_tensor(list(columns), device=cross.device)
            cross, mean = cross[chosen], mean[chosen]
        weight = torch.cholesky_solve(cross, factor)
        return LinearMap(weight, self.mean - mean @ weight if intercept else torch.zeros_like(self.mean))
