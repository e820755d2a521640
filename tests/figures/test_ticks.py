"""Ticks: round, several also where an axis spans little, and written with as many digits as tell them apart."""

import pytest

from saetui.figures.ticks import linear_ticks, log_ticks, tick_labels


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (1.79, 8.4, 4, [2, 3, 5, 7]),
        (1.79, 8.4, 3, [2, 3, 5]),
        (1.79, 8.4, 2, [2, 5]),
        (470, 8900, 9, [500, 1000, 2000, 5000]),
        (0.02, 30, 6, [0.1, 1, 10]),
        (3.5, 3.9, 5, [3.5, 3.6, 3.7, 3.8, 3.9]),
        (0.001, 1000, 4, [0.001, 0.1, 10, 1000]),
        (1, 10, 0, []),
    ],
)
def test_a_logarithmic_axis(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert log_ticks(low, high, most) == pytest.approx(ticks)


def test_a_linear_axis() -> None:
    assert linear_ticks(-0.3, 0.3, 3) == pytest.approx([-0.2, 0, 0.2])
    assert linear_ticks(1, 1, 3) == []


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([1.873843, 3.652117, 7.9], ["1.87", "3.65", "7.90"]),
        ([2, 5], ["2", "5"]),
        ([-0.2, 0, 0.2], ["−0.2", "0.0", "0.2"]),
        ([512, 1024, 8192], ["512", "1,024", "8,192"]),
        ([0.001, 1, 1000], ["0.001", "1", "1,000"]),
        ([3.65, 3.67], ["3.65", "3.67"]),
        ([0], ["0"]),
    ],
)
def test_labels(ticks: list[float], labels: list[str]) -> None:
    assert tick_labels(ticks, separated=True) == labels
