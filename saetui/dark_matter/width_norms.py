"""Whether the tokens that are hard for a small SAE stay hard for larger ones (2410.14670, per-token scaling)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from saetui.dark_matter.intervals import N_REPLICATES, Estimate, combine
from saetui.dark_matter.split import split_contexts
from saetui.dark_matter.token_errors import TokenErrors
from saetui.dark_matter.token_regression import TokenRegression

# With less left unexplained, a share of it is mere rounding.
_NOTHING_LEFT = 1e-9


@dataclass(frozen=True)
class NormPrediction:
    """Error norms (not squared) of a larger SAE at each token, predicted from those of a smaller one."""

    smaller: str
    larger: str
    r2: Estimate
    """From the smaller one's error norm."""
    gain: Estimate
    """Percent of what that leaves unexplained which the norm of the smaller one's nonlinear error explains on top.

    None where nothing is left."""
    gain_linear: Estimate
    """The same with the norm of the linear part, as a control."""
    gain_shuffled: Estimate
    """The same with the nonlinear norm of random tokens: what one more predictor gains by itself."""


@dataclass(frozen=True)
class WidthNorms:
    """Upper triangle of the matrix between widths."""

    names: tuple[str, ...]
    pairs: Mapping[tuple[str, str], NormPrediction]
    n_train: int
    n_test: int

    def r2_matrix(self) -> list[list[float | None]]:
        """R² by smaller SAE (row) and larger (column); None on and below the diagonal."""
        pairs = self.pairs
        return [[pairs[row, column].r2.value if (row, column) in pairs else None for column in self.names]
                for row in self.names]  # fmt: skip


def width_norms(
    tokens: TokenErrors, names: Sequence[str], *, n_replicates: int = N_REPLICATES, seed: int = 1
) -> WidthNorms:
    """Predict for every pair of SAEs, named by rising width.

    Uses the tokens that the linear maps were not fitted on, half of their contexts (one seeded split for all pairs) for
    the fit and the others for R². Raises ValueError for fewer than 2 such contexts and for unknown SAEs.
    """
    unknown = [name for name in names if name not in tokens.saes]
    if unknown or len(names) < 2:
        known = ", ".join(tokens.saes)
        raise ValueError(f"{', '.join(unknown) or list(names)} cannot be compared; name two or more of {known}")
    held_out = tokens.held_out
    split = split_contexts(tokens.context[held_out], train_share=0.5, seed=seed)
    train = held_out & torch.isin(tokens.context, split.train)
    test = held_out & torch.isin(tokens.context, split.test)
    halves = TokenRegression(tokens.context, train, test, n_replicates=n_replicates, seed=seed)
    shuffle = _shuffled(train, test, seed)
    pairs = {}
    for smaller, larger in _pairs(names):
        of_smaller, target = tokens.saes[smaller], tokens.saes[larger].error_norm
        base = of_smaller.error_norm
        r2 = halves.r2([base], target)
        extra = {
            "nonlinear": of_smaller.nonlinear_norm,
            "linear": of_smaller.linear_norm,
            "shuffled": of_smaller.nonlinear_norm[shuffle],
        }
        gains = {kind: combine(_gain, r2, halves.r2([base, norm], target)) for kind, norm in extra.items()}
        pairs[smaller, larger] = NormPrediction(
            smaller, larger, r2, gains["nonlinear"], gains["linear"], gains["shuffled"]
        )
    return WidthNorms(tuple(names), pairs, int(train.sum()), int(test.sum()))


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((names[i], names[j]) for i in range(len(names)) for j in range(i + 1, len(names)))


def _shuffled(train: Tensor, test: Tensor, seed: int) -> Tensor:
    """For each token another one of the same half, at random."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.arange(len(train))
    for half in (train, test):
        rows = half.nonzero(as_tuple=True)[0]
        order[rows] = rows[torch.randperm(len(rows), generator=generator)]
    return order


def _gain(r2: float, with_more: float) -> float | None:
    left = 1 - r2
    return 100 * (with_more - r2) / left if left > _NOTHING_LEFT else None
