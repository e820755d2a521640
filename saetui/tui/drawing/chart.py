"""Lines on two axes, drawn in braille dots; readable from some 20×5 cells on."""

from collections.abc import Sequence
from itertools import pairwise

from rich.segment import Segment
from textual.strip import Strip

from saetui.figures.plots import Chart, Line
from saetui.tui.drawing.axis import Axis
from saetui.tui.drawing.canvas import Canvas
from saetui.tui.drawing.legend import legend_lines
from saetui.tui.drawing.look import Look, marker
from saetui.tui.drawing.words import said

_FEWEST_ROWS = 4
_FEWEST_COLUMNS = 16
# From this height on there is a line for what the x axis measures.
_ROWS_WITH_LABEL = 9
_NOTHING = "nothing to draw yet"


def draw_chart(
    chart: Chart,
    width: int,
    height: int,
    look: Look,
    *,
    legend: bool = True,
    highlight: tuple[float, float] | None = None,
    empty: str = _NOTHING,
) -> list[Strip]:
    """The axes with what is on them, without the title; ``highlight`` is a point that stands out.

    Points without a finite place on the axes are left out.
    """
    points = [point for line in chart.lines for point in line.points]
    if not points or width < _FEWEST_COLUMNS or height < _FEWEST_ROWS:
        return [said(empty if not points else "too small to draw", width, look)]
    # A single line needs a name only where its place is not missed.
    wanted = legend and (len(chart.lines) > 1 or (chart.key and height >= _ROWS_WITH_LABEL + 1))
    named = legend_lines(chart, width, look) if wanted else []
    named = named[: max(0, (height - _FEWEST_ROWS) // 2)]
    labelled = height - len(named) >= _ROWS_WITH_LABEL
    rows = height - 2 - len(named) - labelled
    x_axis = Axis.around([point.x for point in points], logarithmic=chart.x.logarithmic)
    heights = [y for p in points for y in (p.y, p.low, p.high) if y is not None]
    y_axis = Axis.around(heights, logarithmic=chart.y.logarithmic, from_zero=chart.y.from_zero)
    y_ticks = y_axis.ticks(max(2, rows // 2))
    y_labels = y_axis.labels(y_ticks)
    margin = max((len(label) for label in y_labels), default=0)
    columns = width - margin - 1
    canvas = Canvas(columns, rows)
    _draw_lines(canvas, chart.lines, x_axis, y_axis, look)
    if highlight is not None:
        _draw_highlight(canvas, highlight, x_axis, y_axis, look)
    labels = {_row(y_axis, tick, rows): label for tick, label in zip(y_ticks, y_labels, strict=True)}
    strips = list(named)
    for row in range(rows):
        edge = labels.get(row, "").rjust(margin) + ("┤" if row in labels else "│")
        strips.append(Strip([Segment(edge, look.axis), *canvas.segments(row, look.text)], width))
    ticks = x_axis.ticks(max(2, columns // 8), chart.places)
    if chart.x.whole:
        ticks = [tick for tick in ticks if tick == round(tick)]
    strips += _x_lines(x_axis, ticks, margin, columns, look)
    if labelled:
        strips.append(Strip([Segment(" " * (margin + 1) + chart.x.text.center(columns)[:columns], look.axis)], width))
    return strips


def _draw_lines(canvas: Canvas, lines: Sequence[Line], x_axis: Axis, y_axis: Axis, look: Look) -> None:
    """Intervals below lines, and markers on top: what is drawn first gives a cell its colour."""
    for index, line in enumerate(lines):
        places = [(_dot(canvas, x_axis, y_axis, p.x, p.y), p) for p in line.points]
        style = look.series(index, reference=line.reference)
        if line.joined:
            for start, end in pairwise(place for place, _ in places if place is not None):
                canvas.line(start, end, style)
        for _, point in places:
            if point.low is not None and point.high is not None:
                low = _dot(canvas, x_axis, y_axis, point.x, point.low)
                high = _dot(canvas, x_axis, y_axis, point.x, point.high)
                if low is not None and high is not None:
                    canvas.line(low, high, style)
        if line.marked:
            for place, _ in places:
                if place is not None:
                    sign = marker(index, reference=line.reference)
                    canvas.character(round(place[0]) // 2, round(place[1]) // 4, sign, style)


def _draw_highlight(canvas: Canvas, point: tuple[float, float], x_axis: Axis, y_axis: Axis, look: Look) -> None:
    place = _dot(canvas, x_axis, y_axis, *point)
    if place is not None:
        canvas.character(round(place[0]) // 2, round(place[1]) // 4, "◉", look.highlight)


def _dot(canvas: Canvas, x_axis: Axis, y_axis: Axis, x: float, y: float) -> tuple[float, float] | None:
    across, up = x_axis.place(x), y_axis.place(y)
    if across is None or up is None:
        return None
    return across * (canvas.columns * 2 - 1), (1 - up) * (canvas.rows * 4 - 1)


def _x_lines(x_axis: Axis, ticks: Sequence[float], margin: int, columns: int, look: Look) -> list[Strip]:
    line, labels = ["─"] * columns, [" "] * (margin + 1 + columns)
    free_from = 0
    for tick, label in zip(ticks, x_axis.labels(ticks), strict=True):
        column = _column(x_axis, tick, columns)
        line[column] = "┬"
        start = min(max(0, margin + 1 + column - len(label) // 2), len(labels) - len(label))
        if start >= free_from:
            labels[start : start + len(label)] = label
            free_from = start + len(label) + 1
    edge = " " * margin + "└" + "".join(line)
    return [Strip([Segment(edge, look.axis)], len(edge)), Strip([Segment("".join(labels), look.axis)], len(labels))]


def _row(axis: Axis, value: float, rows: int) -> int:
    place = axis.place(value)
    return round((1 - (place or 0.0)) * (rows * 4 - 1)) // 4


def _column(axis: Axis, value: float, columns: int) -> int:
    place = axis.place(value)
    return min(columns - 1, round((place or 0.0) * (columns * 2 - 1)) // 2)
