"""A whole figure in a terminal: its plots beside and below each other, as many as there is room for."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from saetui.figures.description import Figure
from saetui.figures.plots import BarChart, Chart, HeatMap, Plot
from saetui.tui.drawing import bars, cells
from saetui.tui.drawing.chart import draw_chart
from saetui.tui.drawing.legend import legend_lines
from saetui.tui.drawing.look import Look
from saetui.tui.drawing.names import ends_width
from saetui.tui.drawing.words import line, paragraph

_GAP = 2
# Curves go up and down many times; beside their rows are those of the title and of the x axis.
_LOWEST_CURVES, _OTHER_ROWS = 12, 4
_NARROWEST = 34
# A chart with its title: at least, as printed where lines cost nothing, and at most.
_LOWEST_CHART, _PRINTED_CHART, _HIGHEST_CHART = 8, 16, 26
# So high, a plot has room for two lines of title.
_TWO_TITLES = 12


@dataclass(frozen=True)
class Page:
    """The lines of a figure, and which of its plots they show."""

    strips: list[Strip]
    first: int
    count: int


def print_lines(figure: Figure, width: int, look: Look) -> list[Strip]:
    """All of a figure with its title and its note, as long as it takes."""
    strips = [line(figure.title, width, look.title)]
    rows = _rows_of(list(figure.drawn), width, figure.columns)
    for row in rows:
        height = max(_PRINTED_CHART if isinstance(plot, Chart) else _natural(plot) for plot in row)
        strips += [*_beside(row, width, height, look, legend=True), Strip.blank(width)]
    return [*strips, *paragraph(figure.note, width, look.axis)]


def draw_page(figure: Figure, width: int, height: int, look: Look, first: int = 0, *, alone: bool = False) -> Page:
    """The plots from ``first`` on that fit into ``height`` lines, or that one ``alone``; blank below them."""
    plots = figure.drawn
    first = max(0, min(first, len(plots) - 1))
    if not plots:
        return Page([*paragraph(f"There is nothing to draw: {figure.advice}.", width, look.text)], 0, 0)
    rows = [[plots[first]]] if alone else _rows_of(plots, width, figure.columns)
    columns = len(rows[0])
    if not alone:
        starts = [sum(map(len, rows[:index])) for index in range(len(rows))]
        above = max(index for index, start in enumerate(starts) if start <= first)
        rows, first = rows[above:], starts[above]
    notes = paragraph(figure.note, width, look.axis, most=1 if height < 30 else 3)
    room = height - len(notes)
    shared: list[Strip] = []
    heights = _heights(rows, room, alone=alone)
    if not _name_their_lines(rows, heights, (width - _GAP * (columns - 1)) // columns):
        shared = _shared_legend(figure, width, look)
        room -= len(shared)
        heights = _heights(rows, room, alone=alone)
    rows = rows[: len(heights)]
    strips = []
    for row, its_height in zip(rows, heights, strict=True):
        drawn = _beside(row, width, its_height, look, legend=not shared, columns=columns)
        strips += [*drawn, *[Strip.blank(width, look.text)] * (its_height - len(drawn))]
    strips = strips[: max(1, room)]
    blank = [Strip.blank(width, look.text)] * max(0, room - len(strips))
    return Page([*strips, *shared, *blank, *notes][:height], first, sum(map(len, rows)))


def _heights(rows: list[list[Plot]], room: int, *, alone: bool) -> list[int]:
    """How high each of the rows is that there is room for, at least the first."""
    kept = 1
    while kept < len(rows) and sum(map(_lowest, rows[: kept + 1])) <= room:
        kept += 1
    return [room] if alone else _shared_out(rows[:kept], room)


def _name_their_lines(rows: list[list[Plot]], heights: list[int], width: int) -> bool:
    """Whether all charts have the names of their lines beside their ends."""
    return all(
        isinstance(plot, Chart) and ends_width(plot, width, height - _OTHER_ROWS)
        for row, height in zip(rows, heights, strict=False)
        for plot in row
    )


def _rows_of(plots: list[Plot], width: int, columns: int) -> list[list[Plot]]:
    """As many side by side as are legible; what belongs side by side does not mix with what comes below it."""
    fitting = max(1, min(columns, (width + _GAP) // (_NARROWEST + _GAP)))
    return [
        plots[start : min(start + fitting, block + columns)]
        for block in range(0, len(plots), columns)
        for start in range(block, min(block + columns, len(plots)), fitting)
    ]


def _shared_legend(figure: Figure, width: int, look: Look) -> list[Strip]:
    """The legend of all plots where they have the same one."""
    charts = [plot for plot in figure.drawn if isinstance(plot, Chart)]
    legends = {(chart.key, tuple(line.name for line in chart.lines)) for chart in charts}
    if len(charts) < 2 or len(legends) != 1 or len(charts[0].lines) < 2:
        return []
    return legend_lines(charts[0], width, look, 3)


def _natural(plot: Plot) -> int:
    """Lines that a plot takes with its title and a blank line."""
    if isinstance(plot, HeatMap):
        return cells.natural_height(plot) + 2
    return bars.natural_height(plot) + 2 if isinstance(plot, BarChart) else _HIGHEST_CHART


def _lowest(row: list[Plot]) -> int:
    return max(map(_lowest_of, row))


def _lowest_of(plot: Plot) -> int:
    if not isinstance(plot, Chart):
        return _natural(plot)
    return _LOWEST_CURVES if plot.is_of_curves else _LOWEST_CHART


def _shared_out(rows: list[list[Plot]], room: int) -> list[int]:
    """How high each row of plots is: charts take what others leave."""
    lowest = [min(_lowest(row), room) for row in rows]
    spare = room - sum(lowest)
    heights = []
    for index, (row, height) in enumerate(zip(rows, lowest, strict=True)):
        most = max(map(_natural, row)) - height
        given = max(0, min(spare // (len(rows) - index), most))
        heights.append(height + given)
        spare -= given
    return heights


def _beside(
    row: list[Plot], width: int, height: int, look: Look, *, legend: bool, columns: int | None = None
) -> list[Strip]:
    """Plots side by side, each with its title above it."""
    count = columns or len(row)
    each = (width - _GAP * (count - 1)) // count
    titles = [_titles(plot, each, height, look) for plot in row]
    # The axes of plots side by side begin on one line.
    titles = [[*lines, *[Strip.blank(each, look.text)] * (max(map(len, titles)) - len(lines))] for lines in titles]
    drawn = [_titled(plot, lines, each, height, look, legend) for plot, lines in zip(row, titles, strict=True)]
    gap = Strip([Segment(" " * _GAP, look.text)], _GAP)
    blank = Strip([Segment(" " * each, look.text)], each)
    lines = []
    for index in range(max(map(len, drawn))):
        parts: list[Strip] = []
        for strips in drawn:
            parts += [strips[index].crop_extend(0, each, look.text) if index < len(strips) else blank, gap]
        lines.append(Strip.join(parts[:-1]).crop_extend(0, width, look.text))
    return lines


def _titled(plot: Plot, titles: list[Strip], width: int, height: int, look: Look, legend: bool) -> list[Strip]:
    if isinstance(plot, Chart):
        return [*titles, *draw_chart(plot, width, height - len(titles), look, legend=legend)]
    if isinstance(plot, BarChart):
        return [*titles, *bars.draw_bars(plot, width, height - len(titles), look)]
    return [*titles, *cells.draw_cells(plot, width, height - len(titles), look)]


def _titles(plot: Plot, width: int, height: int, look: Look) -> list[Strip]:
    """The title, with the unit along y or what rows and columns are; two lines of a high plot where it is long."""
    unit = ""
    if isinstance(plot, Chart) and plot.y.unit:
        unit = f" · {plot.y.unit}"
    elif isinstance(plot, HeatMap) and plot.row_label and plot.column_label:
        unit = f" · rows: {plot.row_label}, columns: {plot.column_label}"
    if cell_len(plot.title + unit) <= width:
        return [line(plot.title + unit, width, look.title)]
    if height >= _TWO_TITLES:
        return paragraph(plot.title + unit, width, look.title, most=2)
    return [line(plot.title, width, look.title)]
