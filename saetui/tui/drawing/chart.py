"""Lines on two axes, drawn in braille dots; readable from some 20×5 cells on."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from rich.segment import Segment
from textual.strip import Strip

from saetui.figures.plots import Chart
from saetui.tui.drawing.axis import Axis
from saetui.tui.drawing.canvas import Canvas
from saetui.tui.drawing.legend import flowing, legend_lines
from saetui.tui.drawing.look import REFERENCE_DASHES, Look, marker
from saetui.tui.drawing.names import Named, ends_width, names_at_ends, put_names, tags_of
from saetui.tui.drawing.words import said
from saetui.visible import visible

_FEWEST_ROWS = 4
_FEWEST_COLUMNS = 16
# From this height on there is a line for what the x axis measures.
_ROWS_WITH_LABEL = 9
_AXIS_ROWS = 3
# Points hide each other where they are on one row or nearly so.
_NEAR_ROWS = 1.2
# So many columns for each marker of one of several curves.
_SPOT_COLUMNS = 3
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
    ends = ends_width(chart, width, height - _AXIS_ROWS)
    # A single line needs a name only where its place is not missed.
    wanted = legend and not ends and (len(chart.lines) > 1 or (chart.key and height >= _ROWS_WITH_LABEL + 1))
    room = max(0, (height - _FEWEST_ROWS) // 2)
    head = legend_lines(chart, width, look, room) if wanted and room else []
    frame = _Frame(chart, width - ends, height - len(head), look)
    if chart.named and not put_names(frame.canvas, frame.names):
        tags = tags_of(frame.names)
        entries = [Segment(f"{tag} {visible(name)}", look.text) for name, tag in tags.items()]
        head += flowing("", entries, width, look, max(1, room - len(head)))
        frame = _Frame(chart, width - ends, height - len(head), look)
        put_names(frame.canvas, frame.names, tags)
    if highlight is not None:
        frame.highlight(highlight)
    beside = names_at_ends(chart, frame.ends, frame.rows, look) if ends else {}
    return [*head, *frame.strips(width, beside)]


class _Frame:
    """The axes of a chart in ``width`` and ``height`` cells, and the canvas between them with what is drawn on it."""

    def __init__(self, chart: Chart, width: int, height: int, look: Look) -> None:
        self._chart, self._look = chart, look
        self._labelled = height >= _ROWS_WITH_LABEL
        self.rows = max(1, height - 2 - self._labelled)
        points = [point for line in chart.lines for point in line.points]
        self._x_axis = Axis.around([point.x for point in points], logarithmic=chart.x.logarithmic)
        heights = [y for point in points for y in (point.y, *point.ends)]
        self._y_axis = Axis.around(heights, logarithmic=chart.y.logarithmic, from_zero=chart.y.from_zero)
        self._y_ticks = self._y_axis.ticks(max(2, self.rows // 2))
        self._y_labels = self._y_axis.labels(self._y_ticks)
        self._margin = max((len(label) for label in self._y_labels), default=0)
        self._columns = width - self._margin - 1
        self.canvas = Canvas(self._columns, self.rows)
        self._steps = chart.steps(_NEAR_ROWS / self.rows)
        self.names: list[Named] = []
        """The points with their names, which are still to be written."""
        self._draw_lines()

    @property
    def ends(self) -> list[float | None]:
        """On which row each line ends."""
        last = [line.points[-1] if line.points else None for line in self._chart.lines]
        places = [None if point is None else self._dot(point.x, point.y) for point in last]
        return [None if place is None else place[1] / 4 - 0.5 for place in places]

    def highlight(self, point: tuple[float, float]) -> None:
        """Make a point stand out."""
        lines = enumerate(self._chart.lines)
        drawn = (index for index, line in lines if any((p.x, p.y) == point for p in line.points))
        place = self._dot(*point, round(2 * self._steps[next(drawn, 0)]))
        if place is not None:
            self.canvas.character(*_cell(place), "◉", self._look.highlight)

    def strips(self, width: int, beside: Mapping[int, Segment]) -> list[Strip]:
        """All of it, with what stands ``beside`` each row."""
        chart, look, margin, columns = self._chart, self._look, self._margin, self._columns
        ticks = zip(self._y_ticks, self._y_labels, strict=True)
        labels = {_row(self._y_axis, tick, self.rows): label for tick, label in ticks}
        strips = []
        for row in range(self.rows):
            edge = labels.get(row, "").rjust(margin) + ("┤" if row in labels else "│")
            name = [beside[row]] if row in beside else []
            drawn = Strip([Segment(edge, look.axis), *self.canvas.segments(row, look.text), *name])
            strips.append(drawn.crop_extend(0, width, look.text))
        x_ticks = self._x_axis.ticks(max(2, columns // 8), chart.places)
        if chart.x.whole:
            x_ticks = [tick for tick in x_ticks if tick == round(tick)]
        strips += _x_lines(self._x_axis, x_ticks, margin, columns, look)
        if self._labelled:
            text = " " * (margin + 1) + chart.x.text.center(columns)[:columns]
            strips.append(Strip([Segment(text, look.axis)]))
        return [strip.crop_extend(0, width, look.text) for strip in strips]

    def _draw_lines(self) -> None:
        """Intervals below lines, and markers on top: what is drawn first gives a cell its colour."""
        chart, canvas = self._chart, self.canvas
        references = 0
        # The more curves there are, the fewer markers has each.
        most = max(2, self._columns // (_SPOT_COLUMNS * len(chart.lines)))
        for index, line in enumerate(chart.lines):
            aside = round(2 * self._steps[index])
            places = [self._dot(point.x, point.y, aside) for point in line.points]
            style = self._look.series(index, reference=line.reference)
            dash = REFERENCE_DASHES[references % len(REFERENCE_DASHES)][0] if line.reference else 0
            references += line.reference and not line.marked
            if line.joined:
                for start, end in pairwise(place for place in places if place is not None):
                    canvas.line(start, end, style, dash)
            for point in line.points:
                if point.low is not None and point.high is not None:
                    low, high = (self._dot(point.x, end, aside) for end in point.ends)
                    if low is not None and high is not None:
                        canvas.line(low, high, style)
            for spot in chart.spots(index, most):
                place = places[spot]
                if place is not None:
                    canvas.character(*_cell(place), marker(index, reference=line.reference), style)
                    if line.points[spot].label:
                        self.names.append((line.points[spot].label, _cell(place), style))

    def _dot(self, x: float, y: float, aside: int = 0) -> tuple[float, float] | None:
        across, up = self._x_axis.place(x), self._y_axis.place(y)
        if across is None or up is None:
            return None
        last = self._columns * 2 - 1
        return min(max(across * last + aside, 0), last), (1 - up) * (self.rows * 4 - 1)


def _cell(dot: tuple[float, float]) -> tuple[int, int]:
    return round(dot[0]) // 2, round(dot[1]) // 4


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
