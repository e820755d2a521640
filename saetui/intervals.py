"""Intervals by resampling, wherever a figure has one: the percentiles of what it is on draws with replacement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Percentiles that are the ends of a 95% interval.
ENDS = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A figure with its 95% interval; all None where it is not determined."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def ends(self) -> tuple[float, float] | None:
        """Both ends, or None where there is no interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def ends_of_draws(figures: NDArray[np.float64]) -> tuple[float, float]:
    """The 95% interval of a figure, from its values (draws,) on resamplings."""
    import numpy as np

    low, high = np.percentile(figures, ENDS)
    return float(low), float(high)


def draw_counts(n: int, draws: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """How often each of ``n`` things is drawn, (draws, n): ``n`` are drawn with replacement each time."""
    import numpy as np

    return generator.multinomial(n, np.full(n, 1 / n), size=draws)
