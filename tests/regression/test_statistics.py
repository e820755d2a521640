"""Streaming least squares against the direct solution."""

import pytest
import torch
from torch import Tensor

from saetui.regression.statistics import Predictors, Targets


def collect(x: Tensor, y: Tensor, batch: int = 77) -> Targets:
    predictors = Predictors()
    targets = Targets(predictors)
    for rows in torch.arange(len(x)).split(batch):
        shifted = predictors.shifted(x[rows])
        predictors.add(shifted)
        targets.add(shifted, y[rows])
    return targets


def data(offset: float = 0.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1000, 6, generator=generator, dtype=torch.float64) @ torch.randn(
        6, 6, generator=generator, dtype=torch.float64
    )
    y = torch.sin(x) @ torch.randn(6, 3, generator=generator, dtype=torch.float64)
    return x + offset, y - 2 * offset


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_solution_is_that_of_least_squares(offset: float) -> None:
    x, y = data(offset)
    ones = torch.cat([x, torch.ones(len(x), 1, dtype=torch.float64)], dim=1)
    direct = ones @ torch.linalg.lstsq(ones, y).solution
    torch.testing.assert_close(collect(x, y).solve(ridge=1e-12)(x), direct, atol=1e-6, rtol=0)
    torch.testing.assert_close(collect(x, y).solve()(x), direct, atol=1e-3, rtol=0)


def test_without_an_intercept_it_is_least_squares_through_zero() -> None:
    x, y = data(0.5)
    direct = torch.linalg.lstsq(x, y).solution
    solved = collect(x, y).solve(intercept=False)
    torch.testing.assert_close(solved.weight, direct, atol=1e-4, rtol=1e-4)
    assert not solved.intercept.any()


def test_a_fit_to_some_columns_is_that_of_these_alone() -> None:
    x, y = data(3.0)
    chosen = [4, 0, 3]
    of_all, of_three = collect(x, y).solve(columns=chosen), collect(x[:, chosen], y).solve()
    torch.testing.assert_close(of_all.weight, of_three.weight)
    torch.testing.assert_close(of_all.intercept, of_three.intercept)


def test_two_parts_together_are_the_whole() -> None:
    x, y = data(100.0)
    whole, one, other = collect(x, y), collect(x[:300], y[:300]), collect(x[300:], y[300:])
    empty = Targets(Predictors())
    for part in (one, other):
        empty.predictors.absorb(part.predictors)
        empty.absorb(part)
    torch.testing.assert_close(empty.solve().weight, whole.solve().weight)
    torch.testing.assert_close(empty.mean, whole.mean)
    torch.testing.assert_close(empty.squared_deviation, whole.squared_deviation)
    torch.testing.assert_close(empty.predictors.gram(centred=False), x.T @ x)
    torch.testing.assert_close(empty.cross(centred=False), x.T @ y)


def test_the_residual_follows_from_the_sums_alone() -> None:
    x, y = data(2.0)
    fitted = collect(x[:500], y[:500])
    held_out = collect(x[500:], y[500:])
    for columns in (None, [1, 5]):
        solved = fitted.solve(columns=columns)
        chosen = x[500:] if columns is None else x[500:, columns]
        direct = (y[500:] - solved(chosen)).square().sum(dim=0)
        torch.testing.assert_close(held_out.squared_residual(solved, columns), direct)


def test_without_rows_there_is_nothing_to_fit() -> None:
    with pytest.raises(ValueError, match="no rows were added"):
        Targets(Predictors()).solve()


def test_rows_must_go_together() -> None:
    x, y = data()
    targets = collect(x, y)
    targets.predictors.add(targets.predictors.shifted(x))
    with pytest.raises(ValueError, match="1000 rows, their predictors 2000"):
        targets.solve()
