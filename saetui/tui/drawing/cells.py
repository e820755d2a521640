"""A number for each row and column, as coloured cells; legible without colour as well."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from saetui.figures.plots import HeatMap
from saetui.tui.drawing.fit import fit
from saetui.tui.drawing.heat import heat_style
from saetui.tui.drawing.look import Look
from saetui.tui.drawing.words import line, said

_FEWEST_COLUMNS = 20
# Where there is no room for numbers, how full a cell is says about as much.
_SHADES = " ·░▒▓█"
_WIDEST_CELL = 5
_LABEL_SHARE = 0.4


def natural_height(plot: HeatMap) -> int:
    """Lines that it takes to show all rows."""
    return len(plot.rows) + 2


def draw_cells(plot: HeatMap, width: int, height: int, look: Look) -> list[Strip]:
    """The columns' names, a line for each row, and how many there was no room for; shares in percent."""
    if plot.is_empty or width < _FEWEST_COLUMNS or height < 3:
        return [said("nothing to draw yet" if plot.is_empty else "too small to draw", width, look)]
    label = min(max(map(len, plot.rows)), round(width * _LABEL_SHARE))
    cell = max(1, min(max(_WIDEST_CELL, _longest(plot) + 1), (width - label - 1) // len(plot.columns)))
    columns = min(len(plot.columns), (width - label - 1) // cell)
    heads = "".join(fit(name, cell, right=True) for name in plot.columns[:columns])
    strips = [line(" " * (label + 1) + heads, width, look.axis)]
    # The last line says what was left out, and without numbers what the shades mean.
    room = height - 1 - (cell < _needed(plot))
    shown = len(plot.rows) if len(plot.rows) <= room else max(1, height - 2)
    for row, (name, values) in enumerate(zip(plot.rows[:shown], plot.values[:shown], strict=True)):
        segments = [Segment(fit(name, label, right=True) + " ", look.text)]
        segments += [
            _cell(value, plot, cell, look, pale=(row, column) in plot.pale)
            for column, value in enumerate(values[:columns])
        ]
        strips.append(Strip(segments).crop_extend(0, width, look.text))
    words = []
    if shown < len(plot.rows):
        words.append(f"and {len(plot.rows) - shown} more rows")
    if cell < _needed(plot):
        words.append(f"█ is {100 * plot.high:.0f} %")
    if words:
        strips.append(said(", ".join(words), width, look))
    return strips


def _longest(plot: HeatMap) -> int:
    return max(map(len, plot.columns))


def _needed(plot: HeatMap) -> int:
    """Cells that a number takes with a space before it."""
    return len(f"{100 * plot.high:.0f}") + 1


def _cell(value: float | None, plot: HeatMap, cell: int, look: Look, *, pale: bool) -> Segment:
    if value is None:
        return Segment("–".rjust(cell), look.axis)
    level = min(1.0, max(0.0, value / plot.high))
    if pale:
        # A number that does not count may be larger than those that have to fit.
        written = f"{100 * value:.0f}"
        return Segment((written if len(written) < cell else "·").rjust(cell), look.axis + Style(dim=True))
    painted = look.text + heat_style(level, look.background, look.heat)
    if cell < _needed(plot):
        shade = _SHADES[0] if value <= 0 else _SHADES[max(1, round(level * (len(_SHADES) - 1)))]
        return Segment((shade * max(1, cell - 1)).rjust(cell), look.text)
    return Segment(f"{100 * value:.0f}".rjust(cell), painted if value > 0 else painted + Style(dim=True))
