"""Resampling: every draw has as many things as the sample, and the ends are percentiles."""

import numpy as np
import pytest

from saetui.intervals import Interval, draw_counts, ends_of_draws


def test_every_draw_is_as_large_as_the_sample() -> None:
    counts = draw_counts(7, 3000, np.random.default_rng(0))
    assert counts.shape == (3000, 7)
    assert set(counts.sum(axis=1).tolist()) == {7}
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.1)
    # Of draws with replacement each count has the variance 1 - 1 / n.
    assert counts.var() == pytest.approx(6 / 7, rel=0.05)


def test_the_ends_leave_a_fortieth_on_either_side() -> None:
    assert ends_of_draws(np.arange(1001.0)) == (25.0, 975.0)


def test_an_interval_has_both_ends_or_none() -> None:
    assert Interval(1.0, 0.5, 2.0).ends == (0.5, 2.0)
    assert Interval(1.0, 0.5).ends is None
