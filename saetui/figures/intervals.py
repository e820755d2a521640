"""Intervals: a bootstrap over letters for a mean, Wilson's for a share."""

import math
from collections.abc import Sequence

from saetui.intervals import draw_counts, ends_of_draws

RESAMPLES = 2000
_Z = 1.959963984540054


def bootstrap_mean(values: Sequence[float], *, seed: int = 0) -> tuple[float, float] | None:
    """The 95 % percentile interval of the mean of ``values`` (n,), drawn again 2,000 times; None below two values."""
    if len(values) < 2:
        return None
    import numpy as np

    sample = np.asarray(values, dtype=np.float64)
    counts = draw_counts(len(sample), RESAMPLES, np.random.default_rng(seed))
    return ends_of_draws(counts @ sample / len(sample))


def wilson(successes: float, trials: float) -> tuple[float, float] | None:
    """Wilson's 95 % interval of a share; None without trials."""
    if trials <= 0:
        return None
    share, square = successes / trials, _Z * _Z / trials
    middle = (share + square / 2) / (1 + square)
    half = _Z * math.sqrt(share * (1 - share) / trials + square / (4 * trials)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
