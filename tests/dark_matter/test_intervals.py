"""Intervals over contexts: as wide as the spread of contexts makes a mean, and paired between figures."""

from typing import Any

import numpy as np
import pytest
import torch

from saetui.dark_matter.intervals import ContextBootstrap, Estimate, GroupSums, combine


def mean_estimate(values: torch.Tensor, context: torch.Tensor, **settings: Any) -> Estimate:
    bootstrap = ContextBootstrap(context, **settings)
    sums = GroupSums(bootstrap, 2)
    sums.add(bootstrap.groups(context), torch.stack([values, torch.ones_like(values)], dim=1))
    resampled = sums.resampled()
    return bootstrap.estimate(resampled[:, 0] / resampled[:, 1])


@pytest.mark.parametrize("n_contexts", [100, 1000])
def test_interval_of_a_mean_has_the_textbook_width(n_contexts: int) -> None:
    generator = torch.Generator().manual_seed(0)
    of_context = torch.randn(n_contexts, generator=generator, dtype=torch.float64)
    context = torch.arange(n_contexts).repeat_interleave(20)
    # Twenty tokens that say nearly the same are worth little more than one.
    values = of_context[context] + 0.1 * torch.randn(len(context), generator=generator, dtype=torch.float64)
    estimate = mean_estimate(values, context, n_replicates=4000)
    assert estimate.value == pytest.approx(float(values.mean()))
    width = 2 * 1.96 / n_contexts**0.5
    assert estimate.high - estimate.low == pytest.approx(width, rel=0.15)  # type: ignore[operator]


def test_a_single_context_has_no_interval() -> None:
    estimate = mean_estimate(torch.ones(5).double(), torch.zeros(5).long())
    assert (estimate.value, estimate.low, estimate.high) == (1.0, None, None)


def test_the_seed_decides_the_draws() -> None:
    values, context = torch.arange(40.0), torch.arange(40) // 4
    one, same, other = (mean_estimate(values, context, seed=seed) for seed in (1, 1, 2))
    assert (one.replicates == same.replicates).all()
    assert (one.replicates != other.replicates).any()


def test_figures_of_one_study_are_paired() -> None:
    values, context = torch.arange(40.0), torch.arange(40) // 4
    one, more = mean_estimate(values, context), mean_estimate(values + 3, context)
    difference = combine(lambda a, b: b - a, one, more)
    assert (difference.low, difference.value, difference.high) == pytest.approx((3, 3, 3))


def test_figures_of_undefined_ones_are_undefined() -> None:
    one, none = Estimate(1.0, np.array([1.0, 2.0])), Estimate(None, np.array([np.nan, 1.0]))
    assert combine(lambda a, b: a + b, one, none).value is None
    assert np.isnan(combine(lambda a, b: a + b, one, none).replicates).tolist() == [True, False]
    assert combine(lambda a: None, one).low is None
    with pytest.raises(ValueError, match="do not go together"):
        combine(lambda a, b: a, one, Estimate(1.0, np.zeros(3)))


def test_contexts_must_be_known() -> None:
    bootstrap = ContextBootstrap(torch.tensor([3, 5]))
    assert bootstrap.groups(torch.tensor([5, 3, 5])).unique().numel() == 2
    for unknown in (4, 9):
        with pytest.raises(ValueError, match=f"context {unknown} is not among"):
            bootstrap.groups(torch.tensor([3, unknown]))
    with pytest.raises(ValueError, match="no contexts"):
        ContextBootstrap(torch.tensor([], dtype=torch.long))
