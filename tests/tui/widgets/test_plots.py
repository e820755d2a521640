"""Plots in braille dots, and their axes."""

import math

import pytest

from saetui.tui.widgets.axis import Axis
from saetui.tui.widgets.plots import Series, XYPlot

from .memory_store import WidgetApp, shown, title, until

FVU = [(512.0, 0.6), (2048.0, 0.4), (8192.0, 0.3)]


@pytest.mark.parametrize(
    ("axis", "most", "ticks", "labels"),
    [
        (Axis(0, 1), 6, [0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Axis(0, 1), 3, [0, 0.5, 1.0], ["0.0", "0.5", "1.0"]),
        (Axis(-0.3, 0.3), 3, [-0.2, 0, 0.2], ["−0.2", "0.0", "0.2"]),
        (Axis(3, 33), 4, [10, 20, 30], ["10", "20", "30"]),
        (Axis(0, 5e6), 3, [0, 2e6, 4e6], ["0", "2M", "4M"]),
        (Axis(500, 9000, True), 9, [500, 1000, 2000, 5000], ["500", "1k", "2k", "5k"]),
        (Axis(0.02, 30, True), 3, [0.1, 1.0, 10.0], ["0.1", "1.0", "10.0"]),
        (Axis(0, 1), 0, [], []),
    ],
)
def test_ticks_are_round_and_no_more_than_fit(axis: Axis, most: int, ticks: list[float], labels: list[str]) -> None:
    found = axis.ticks(most)
    assert found == pytest.approx(ticks)
    assert axis.labels(found) == labels


def test_few_values_on_a_log_axis_are_its_ticks() -> None:
    axis = Axis.around([512, 2048, 8192], logarithmic=True)
    assert axis.ticks(5, [512, 8192, 2048, 512]) == [512, 2048, 8192]
    assert axis.labels([512, 2048, 8192]) == ["512", "2k", "8.2k"]


@pytest.mark.parametrize("values", [[1.0], [0.0], [-2.0, -2.0], [], [math.nan], [1e-9, 1e9]])
@pytest.mark.parametrize("logarithmic", [False, True])
def test_an_axis_shows_whatever_it_is_given(values: list[float], logarithmic: bool) -> None:
    axis = Axis.around(values, logarithmic=logarithmic)
    assert axis.low < axis.high
    for value in values:
        place = axis.place(value)
        assert place is None or 0 <= place <= 1


def test_what_cannot_be_negative_does_not_become_so() -> None:
    assert Axis.around([0.01, 5.0]).low == 0.0
    assert Axis.around([3.0, 5.0], from_zero=True).low == 0.0


async def drawn(plot: XYPlot, size: tuple[int, int]) -> list[str]:
    async with WidgetApp(plot).run_test(size=size) as pilot:
        await until(pilot, lambda: plot.content_size.width)
        return shown(plot)


def plot(*series: Series) -> XYPlot:
    made = XYPlot("FVU against width", log_x=True, from_zero=True)
    made.set_series(series)
    return made


async def test_points_lie_where_they_belong() -> None:
    made = plot(Series("k 4", FVU))
    lines = await drawn(made, (42, 12))
    assert title(made) == "FVU against width"
    places = [(row, line.index("●")) for row, line in enumerate(lines) if "●" in line]
    assert len(places) == 3
    assert [row for row, _ in places] == sorted(row for row, _ in places)
    columns = [column for _, column in places]
    assert columns == sorted(columns)
    assert columns[1] - columns[0] == pytest.approx(columns[2] - columns[1], abs=1)
    assert lines[-2].count("┬") == 3
    assert lines[-1].split() == ["512", "2k", "8.2k"]


async def test_several_series_have_a_legend_and_markers_of_their_own() -> None:
    lines = await drawn(plot(Series("k 4", FVU), Series("floor", [(512, 0.2), (8192, 0.2)], markers=False)), (42, 12))
    assert lines[0].strip() == "● k 4  ─ floor"
    assert "▲" not in "".join(lines)


@pytest.mark.parametrize("size", [(20, 6), (18, 6), (30, 7), (200, 60)])
async def test_small_and_large_plots_keep_to_their_size(size: tuple[int, int]) -> None:
    lines = await drawn(plot(Series("k 4", FVU), Series("k 16", [(x, y + 0.1) for x, y in FVU])), size)
    assert max(map(len, lines)) <= size[0]
    assert any("●" in line for line in lines)
    assert "└" in "".join(lines)


async def test_nothing_to_draw_is_said() -> None:
    assert (await drawn(XYPlot("x", empty="not measured yet"), (40, 8)))[0].strip() == "not measured yet"
    assert (await drawn(plot(Series("k 4", FVU)), (15, 3)))[0].strip().startswith("too small")


async def test_the_current_point_stands_out() -> None:
    made = plot(Series("k 4", FVU))
    made.highlight = FVU[1]
    lines = await drawn(made, (42, 12))
    assert sum(line.count("◉") for line in lines) == 1
    assert sum(line.count("●") for line in lines) == 2


async def test_points_that_a_log_axis_cannot_hold_are_left_out() -> None:
    lines = await drawn(plot(Series("k 4", [(0.0, 0.5), (math.nan, 0.5), *FVU])), (42, 12))
    assert sum(line.count("●") for line in lines) == 3
