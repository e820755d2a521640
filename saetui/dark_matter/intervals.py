"""Confidence intervals over contexts, from figures of resampled contexts.

Tokens of one context are alike, so whole contexts are drawn, not tokens. Every figure of one study uses the same draws,
so that differences between SAEs have intervals too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from saetui.intervals import Interval, draw_counts, ends_of_draws

N_REPLICATES = 500
# More contexts than this are resampled in groups of several, so that sums by context stay small.
MAX_GROUPS = 200


@dataclass(frozen=True)
class Estimate:
    """A figure, and what it would have been on resampled contexts; None and NaN where it is not defined."""

    value: float | None
    replicates: NDArray[np.float64] = field(repr=False, compare=False, default_factory=lambda: np.empty(0))

    @property
    def low(self) -> float | None:
        """Lower end of the 95% interval; None where there are too few contexts for one."""
        return self._interval.low

    @property
    def high(self) -> float | None:
        """Upper end of the 95% interval."""
        return self._interval.high

    @property
    def _interval(self) -> Interval:
        defined = self.replicates[np.isfinite(self.replicates)]
        has_ends = self.value is not None and len(defined) > 1
        return Interval(self.value, *ends_of_draws(defined)) if has_ends else Interval(self.value)


def combine(function: Callable[..., float | None], *estimates: Estimate) -> Estimate:
    """A function of several figures, with its interval; None where one of them or the function is undefined.

    Raises ValueError where the figures come from different draws.
    """
    lengths = {len(estimate.replicates) for estimate in estimates}
    if len(lengths) != 1:
        raise ValueError(f"figures of {sorted(lengths)} resamplings do not go together; measure them in one study")

    def of(values: tuple[float | None, ...]) -> float | None:
        return None if any(v is None or not np.isfinite(v) for v in values) else function(*values)

    replicates = [of(row) for row in zip(*(estimate.replicates.tolist() for estimate in estimates), strict=True)]
    return Estimate(
        of(tuple(estimate.value for estimate in estimates)),
        np.array([np.nan if value is None else value for value in replicates], dtype=np.float64),
    )


class ContextBootstrap:
    """Draws of whole contexts with replacement.

    ``contexts`` names the contexts that the figures are measured on. More than 200 of them are put into 200 groups at
    random, which are drawn instead. With a single one there are no draws and no intervals.
    """

    def __init__(
        self,
        contexts: Int[Tensor, " m"],
        *,
        n_replicates: int = N_REPLICATES,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self._contexts = torch.unique(contexts).to(device)
        n = len(self._contexts)
        if n == 0:
            raise ValueError("there are no contexts to measure on")
        self.n_groups = min(n, MAX_GROUPS)
        generator = np.random.default_rng(seed)
        self._group = torch.from_numpy(generator.permutation(n) % self.n_groups).to(device)
        draws = n_replicates if self.n_groups > 1 else 0
        counts = draw_counts(self.n_groups, draws, generator)
        # The first row is the sample itself.
        self.weights: Float[Tensor, "1+draws groups"] = torch.cat(
            [torch.ones(1, self.n_groups), torch.from_numpy(counts)]
        ).to(device, torch.float64)

    def groups(self, context: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
        """The group of each row, given its context; ValueError for a context that was not named."""
        context = context.to(self._contexts.device)
        place = torch.searchsorted(self._contexts, context).clamp_(max=len(self._contexts) - 1)
        unknown = self._contexts[place] != context
        if bool(unknown.any()):
            raise ValueError(f"context {int(context[unknown][0])} is not among those to be measured on")
        return self._group[place]

    def estimate(self, figures: Float[Tensor, " 1+draws"]) -> Estimate:
        """An estimate from the figure under each row of ``weights``, NaN where undefined."""
        values = figures.double().cpu().numpy()
        return Estimate(float(values[0]) if np.isfinite(values[0]) else None, values[1:])


class GroupSums:
    """Sums of per-row quantities by group of contexts, in float64."""

    def __init__(self, bootstrap: ContextBootstrap, columns: int) -> None:
        weights = bootstrap.weights
        self._bootstrap = bootstrap
        self.sums: Float[Tensor, "groups columns"] = weights.new_zeros(bootstrap.n_groups, columns)

    def add(self, groups: Int[Tensor, " n"], values: Float[Tensor, "n columns"]) -> None:
        self.sums.index_add_(0, groups, values.to(self.sums.dtype))

    def resampled(self, start: int = 0, stop: int | None = None) -> Float[Tensor, "1+draws columns"]:
        """The sums of the columns ``start:stop`` over all rows, then over the rows of each draw."""
        return self._bootstrap.weights @ self.sums[:, start:stop]
