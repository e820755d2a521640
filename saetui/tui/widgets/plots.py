"""A small plot of series against each other, drawn in braille dots; readable from some 20×5 cells on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from saetui.tui.widgets.axis import Axis
from saetui.tui.widgets.visible import fit

# Told apart in every common form of colour blindness, on dark and on light; with markers also without colour.
COLOURS = ("#e08a1e", "#3f93d8", "#3fae84", "#cf78b5", "#b9a53a", "#8f86e0")
MARKERS = ("●", "▲", "■", "◆", "✚", "○")
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_FEWEST_ROWS = 4
_FEWEST_COLUMNS = 16


@dataclass(frozen=True)
class Series:
    """Points that belong together; ``markers=False`` draws a plain line, ``line=False`` plain points."""

    name: str
    points: Sequence[tuple[float, float]]
    markers: bool = True
    line: bool = True
    colour: str | None = None


@dataclass
class Canvas:
    """A grid of characters with a braille dot grid of 2×4 dots a cell below it."""

    columns: int
    rows: int
    _dots: dict[tuple[int, int], int] = field(default_factory=dict)
    _characters: dict[tuple[int, int], str] = field(default_factory=dict)
    _styles: dict[tuple[int, int], Style] = field(default_factory=dict)

    def dot(self, x: int, y: int, style: Style) -> None:
        """Set the dot ``x`` from the left and ``y`` from the top."""
        cell = (x // 2, y // 4)
        if 0 <= cell[0] < self.columns and 0 <= cell[1] < self.rows:
            self._dots[cell] = self._dots.get(cell, 0) | _DOTS[y % 4][x % 2]
            self._styles.setdefault(cell, style)

    def line(self, start: tuple[float, float], end: tuple[float, float], style: Style) -> None:
        """Dots along a straight line, ends in dot coordinates."""
        steps = max(1, round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
        for step in range(steps + 1):
            part = step / steps
            self.dot(round(start[0] + (end[0] - start[0]) * part), round(start[1] + (end[1] - start[1]) * part), style)

    def character(self, column: int, row: int, character: str, style: Style) -> None:
        """Put a character above the dots of a cell."""
        if 0 <= column < self.columns and 0 <= row < self.rows:
            self._characters[column, row] = character
            self._styles[column, row] = style

    def segments(self, row: int, empty: Style) -> Iterable[Segment]:
        """One line of cells, those of one style together."""
        text, style = "", empty
        for column in range(self.columns):
            cell = (column, row)
            dots = self._dots.get(cell)
            character = self._characters.get(cell) or (chr(0x2800 + dots) if dots else " ")
            wanted = empty if character == " " else self._styles.get(cell, empty)
            if wanted != style and text:
                yield Segment(text, style)
                text = ""
            style = wanted
            text += character
        yield Segment(text, style)


class XYPlot(Widget):
    """Series on two axes, with a legend where there are several, and its title on the upper edge."""

    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"xy-plot--axis", "xy-plot--highlight"}
    DEFAULT_CSS = """
    XYPlot {
        height: 1fr;
        width: 1fr;
        padding-right: 1;
        border-top: solid $foreground 20%;
        border-title-color: $text-muted;
        border-title-background: transparent;
        & > .xy-plot--axis { color: $text-muted; }
        & > .xy-plot--highlight { color: $foreground; text-style: bold reverse; }
        &:focus { border-top: solid $accent; border-title-color: $accent; }
    }
    """

    series: reactive[tuple[Series, ...]] = reactive((), init=False)
    """What is drawn."""
    highlight: reactive[tuple[float, float] | None] = reactive(None, init=False)
    """A point that stands out, e.g. that of the current SAE."""

    def __init__(
        self,
        title: str = "",
        *,
        log_x: bool = False,
        log_y: bool = False,
        from_zero: bool = False,
        empty: str = "nothing to draw yet",
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.border_title = Content(title) if title else None
        self._log_x, self._log_y, self._from_zero = log_x, log_y, from_zero
        self._empty = empty
        self._drawn: list[Strip] | None = None
        self._drawn_with: tuple[object, ...] = ()

    def set_series(self, series: Iterable[Series]) -> None:
        """Draw these; points without a finite place on the axes are left out."""
        self.series = tuple(series)

    def watch_series(self) -> None:
        self._forget()

    def watch_highlight(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._drawn = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        # Styles are worked out anew for all sorts of reasons; drawing is for those that change the picture.
        looks = (self.content_size, self.rich_style, self.get_component_rich_style("xy-plot--axis"))
        if self._drawn is None or looks != self._drawn_with:
            self._drawn, self._drawn_with = self._draw(*self.content_size), looks
        return self._drawn[y] if y < len(self._drawn) else Strip.blank(self.content_size.width, self.rich_style)

    def _draw(self, width: int, height: int) -> list[Strip]:
        points = [point for series in self.series for point in series.points]
        if not points or width < _FEWEST_COLUMNS or height < _FEWEST_ROWS:
            text = self._empty if not points else "too small to draw"
            return [Strip([Segment(fit("  " + text, width), self.rich_style + Style(dim=True))], width)]
        legend = self._legend(width) if len(self.series) > 1 and height > _FEWEST_ROWS + 1 else None
        rows = height - 2 - (1 if legend else 0)
        x_axis = Axis.around([x for x, _ in points], logarithmic=self._log_x)
        y_axis = Axis.around([y for _, y in points], logarithmic=self._log_y, from_zero=self._from_zero)
        y_ticks = y_axis.ticks(max(2, rows // 2))
        y_labels = y_axis.labels(y_ticks)
        margin = max((len(label) for label in y_labels), default=0)
        columns = width - margin - 1
        canvas = Canvas(columns, rows)
        for index, series in enumerate(self.series):
            self._draw_series(canvas, index, series, x_axis, y_axis)
        self._draw_highlight(canvas, x_axis, y_axis)
        axis = self.get_component_rich_style("xy-plot--axis")
        labels = {_row(y_axis, tick, rows): label for tick, label in zip(y_ticks, y_labels, strict=True)}
        strips = [] if legend is None else [legend]
        for row in range(rows):
            edge = labels.get(row, "").rjust(margin) + ("┤" if row in labels else "│")
            strips.append(Strip([Segment(edge, axis), *canvas.segments(row, self.rich_style)], width))
        ticks = x_axis.ticks(max(2, columns // 8), [x for x, _ in points])
        return strips + self._x_lines(x_axis, ticks, margin, columns, axis)

    def _draw_series(self, canvas: Canvas, index: int, series: Series, x_axis: Axis, y_axis: Axis) -> None:
        style = self._series_style(index)
        places = [
            (x * (canvas.columns * 2 - 1), (1 - y) * (canvas.rows * 4 - 1))
            for x, y in ((x_axis.place(px), y_axis.place(py)) for px, py in series.points)
            if x is not None and y is not None
        ]
        if series.line:
            for start, end in pairwise(places):
                canvas.line(start, end, style)
        if series.markers:
            for x, y in places:
                canvas.character(round(x) // 2, round(y) // 4, MARKERS[index % len(MARKERS)], style)

    def _draw_highlight(self, canvas: Canvas, x_axis: Axis, y_axis: Axis) -> None:
        if self.highlight is None:
            return
        x, y = x_axis.place(self.highlight[0]), y_axis.place(self.highlight[1])
        if x is not None and y is not None:
            style = self.get_component_rich_style("xy-plot--highlight")
            column, row = round(x * (canvas.columns * 2 - 1)) // 2, round((1 - y) * (canvas.rows * 4 - 1)) // 4
            canvas.character(column, row, "◉", style)

    def _series_style(self, index: int) -> Style:
        colour = self.series[index].colour or COLOURS[index % len(COLOURS)]
        return self.rich_style + Style(color=Color.parse(colour).rich_color)

    def _legend(self, width: int) -> Strip:
        segments = [Segment("  ", self.rich_style)]
        for index, series in enumerate(self.series):
            marker = MARKERS[index % len(MARKERS)] if series.markers else "─"
            segments.append(Segment(f"{marker} {series.name}", self._series_style(index)))
            segments.append(Segment("  ", self.rich_style))
        return Strip(segments).crop_extend(0, width, self.rich_style)

    def _x_lines(self, x_axis: Axis, ticks: Sequence[float], margin: int, columns: int, axis: Style) -> list[Strip]:
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
        return [Strip([Segment(edge, axis)], len(edge)), Strip([Segment("".join(labels), axis)], len(labels))]


def _row(axis: Axis, value: float, rows: int) -> int:
    place = axis.place(value)
    return round((1 - (place or 0.0)) * (rows * 4 - 1)) // 4


def _column(axis: Axis, value: float, columns: int) -> int:
    place = axis.place(value)
    return min(columns - 1, round((place or 0.0) * (columns * 2 - 1)) // 2)
