"""Plots in braille dots, and their axes."""

import math

import pytest

from saetui.figures.plots import Chart, Line, Point, Scale
from saetui.tui.drawing.axis import Axis
from saetui.tui.drawing.plots import NO_CHART, XYPlot
from tests.tui.table.memory_store import WidgetApp, shown, title, until

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


def line(name: str, points: list[tuple[float, float]], *, marked: bool = True) -> Line:
    return Line(name, tuple(Point(x, y) for x, y in points), marked=marked)


def plot(*lines: Line) -> XYPlot:
    return XYPlot(Chart("FVU against width", Scale("width", logarithmic=True), Scale("FVU", from_zero=True), lines))


async def test_points_lie_where_they_belong() -> None:
    made = plot(line("k 4", FVU))
    lines = await drawn(made, (42, 12))
    assert title(made) == "FVU against width"
    places = [(row, line.index("●")) for row, line in enumerate(lines) if "●" in line]
    assert len(places) == 3
    assert [row for row, _ in places] == sorted(row for row, _ in places)
    columns = [column for _, column in places]
    assert columns == sorted(columns)
    assert columns[1] - columns[0] == pytest.approx(columns[2] - columns[1], abs=1)
    assert lines[-3].count("┬") == 3
    assert lines[-2].split() == ["512", "2k", "8.2k"]
    assert lines[-1].strip() == "width"


async def test_several_series_have_a_legend_and_markers_of_their_own() -> None:
    lines = await drawn(plot(line("k 4", FVU), line("floor", [(512, 0.2), (8192, 0.2)], marked=False)), (42, 12))
    assert lines[0].strip() == "● k 4  ─ floor"
    assert "▲" not in "".join(lines)


@pytest.mark.parametrize("size", [(20, 6), (18, 6), (30, 7), (200, 60)])
async def test_small_and_large_plots_keep_to_their_size(size: tuple[int, int]) -> None:
    lines = await drawn(plot(line("k 4", FVU), line("k 16", [(x, y + 0.1) for x, y in FVU])), size)
    assert max(map(len, lines)) <= size[0]
    assert any("●" in line for line in lines)
    assert "└" in "".join(lines)


async def test_nothing_to_draw_is_said() -> None:
    assert (await drawn(XYPlot(NO_CHART, empty="not measured yet"), (40, 8)))[0].strip() == "not measured yet"
    assert (await drawn(plot(line("k 4", FVU)), (15, 3)))[0].strip().startswith("too small")


async def test_the_current_point_stands_out() -> None:
    made = plot(line("k 4", FVU))
    made.highlight = FVU[1]
    lines = await drawn(made, (42, 12))
    assert sum(line.count("◉") for line in lines) == 1
    assert sum(line.count("●") for line in lines) == 2


async def test_points_that_a_log_axis_cannot_hold_are_left_out() -> None:
    lines = await drawn(plot(line("k 4", [(0.0, 0.5), (math.nan, 0.5), *FVU])), (42, 12))
    assert sum(line.count("●") for line in lines) == 3


async def test_an_interval_is_drawn_through_its_point() -> None:
    point = Point(1.0, 0.5, low=0.1, high=0.9)
    chart = Chart("F1 against layer", Scale("layer", whole=True), Scale("F1", from_zero=True), (Line("k 4", (point,)),))
    lines = await drawn(XYPlot(chart), (42, 14))
    (row,) = (index for index, text in enumerate(lines) if "●" in text)
    column = lines[row].index("●")
    around = [text[column] for text in lines[row - 2 : row] + lines[row + 1 : row + 3] if len(text) > column]
    assert len(around) == 4
    assert all("\u2800" < sign <= "\u28ff" for sign in around)


async def test_only_whole_layers_have_ticks() -> None:
    points = (Point(1.0, 0.5), Point(2.0, 0.6))
    chart = Chart("F1 against layer", Scale("layer", whole=True), Scale("F1"), (Line("k 4", points),))
    lines = await drawn(XYPlot(chart), (80, 14))
    assert lines[-2].split() == ["1", "2"]


async def test_the_title_of_the_plot_in_focus_says_how_to_enlarge_it() -> None:
    made = plot(line("k 4", FVU))
    made.can_focus = True
    app = WidgetApp(made)
    async with app.run_test(size=(42, 12)) as pilot:
        made.focus()
        await until(pilot, lambda: made.has_focus)
        assert title(made) == "FVU against width  ⏎ large"
