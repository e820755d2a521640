"""Class-balanced logistic regressions on the first k of a few latents, solved exactly for all k at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

_MAX_STEPS = 100
_MAX_HALVINGS = 40
# Newton's method stops where a step can lower the loss by no more than this share of it.
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class NestedRegressions:
    """One regression for each k; coefficients past the k-th are 0."""

    coefficients: Float[Tensor, "k latent"]
    intercepts: Float[Tensor, " k"]

    def logits(self, columns: Float[Tensor, "word latent"]) -> Float[Tensor, "word k"]:
        """Above 0 a regression says yes."""
        return columns.double() @ self.coefficients.T + self.intercepts


def nested_regressions(
    columns: Float[Tensor, "word latent"], positive: Bool[Tensor, " word"], ks: Sequence[int]
) -> NestedRegressions:
    """Regressions of ``positive`` on the first k columns, for each k: L2 penalty with C = 1, classes balanced.

    The optimum of scikit-learn's ``LogisticRegression(class_weight="balanced")``, by Newton's method in float64. Words
    on which no column fires are two rows with a weight, so the cost does not grow with them. Raises ValueError where
    one of the classes is empty.
    """
    n, n_positive = len(positive), int(positive.sum())
    if not 0 < n_positive < n:
        raise ValueError(f"{n_positive} of {n} words are positive; a regression needs words of both classes")
    design, target, weight = _balanced_rows(columns.double().cpu(), positive.cpu())
    kept = torch.zeros(len(ks), design.shape[1], dtype=torch.bool)
    for row, k in enumerate(ks):
        kept[row, :k] = True
    # A column without a single firing would leave its coefficient to rounding.
    kept[:, :-1] &= (design[:, :-1] != 0).any(0)
    kept[:, -1] = kept[:, :-1].any(1)
    solution = _newton(design, target, weight, kept)
    return NestedRegressions(solution[:, :-1], solution[:, -1])


def _balanced_rows(
    columns: Float[Tensor, "word latent"], positive: Bool[Tensor, " word"]
) -> tuple[Float[Tensor, "row latent+1"], Float[Tensor, " row"], Float[Tensor, " row"]]:
    """Design with a last column of ones, targets and weights; silent words of a class are one row together."""
    n, n_positive = len(positive), int(positive.sum())
    fires = (columns != 0).any(1)
    silent = torch.stack([(~fires & positive).sum(), (~fires & ~positive).sum()])
    target = torch.cat([positive[fires].double(), torch.tensor([1.0, 0.0], dtype=torch.float64)])
    count = torch.cat([torch.ones(int(fires.sum()), dtype=torch.float64), silent.double()])
    rows = torch.cat([columns[fires], columns.new_zeros(2, columns.shape[1])])
    balance = torch.where(target > 0, n / (2 * n_positive), n / (2 * (n - n_positive)))
    return torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1), target, count * balance


def _newton(
    design: Float[Tensor, "row p"],
    target: Float[Tensor, " row"],
    weight: Float[Tensor, " row"],
    kept: Bool[Tensor, "k p"],
) -> Float[Tensor, "k p"]:
    """Minimum of the weighted cross-entropy plus half the squared coefficients (not the intercept, the last one)."""
    penalty = torch.ones(design.shape[1], dtype=torch.float64)
    penalty[-1] = 0
    excluded = torch.diag_embed((~kept).double())
    solution = torch.zeros(kept.shape, dtype=torch.float64)
    sign = 2 * target - 1

    def loss(at: Float[Tensor, "k p"]) -> Float[Tensor, " k"]:
        misfit: Tensor = (functional.softplus(-sign * (at @ design.T)) * weight).sum(1)
        return misfit + 0.5 * (penalty * at.square()).sum(1)

    current = loss(solution)
    for _ in range(_MAX_STEPS):
        probability = torch.sigmoid(solution @ design.T)
        gradient = ((probability - target) * weight) @ design + penalty * solution
        gradient = torch.where(kept, gradient, 0)
        curvature = probability * (1 - probability) * weight
        hessian = (design.T * curvature[:, None, :]) @ design + torch.diag(penalty)
        hessian = hessian * (kept[:, :, None] & kept[:, None, :]) + excluded
        # Keeps the intercept's entry away from 0 where all words are told apart with certainty.
        hessian.diagonal(dim1=1, dim2=2).add_(1e-10)
        step = torch.linalg.solve(hessian, gradient)
        promised = (step * gradient).sum(1)
        if bool((promised <= _TOLERANCE * current).all()):
            break
        length = torch.ones_like(promised)
        reached = loss(solution - step)
        for _ in range(_MAX_HALVINGS):
            short = reached > current - 1e-4 * length * promised
            if not bool(short.any()):
                break
            length = torch.where(short, length / 2, length)
            reached = loss(solution - length[:, None] * step)
        better = reached < current
        if not bool(better.any()):
            break
        solution = torch.where(better[:, None], solution - length[:, None] * step, solution)
        current = torch.where(better, reached, current)
    return solution
