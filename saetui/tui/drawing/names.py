"""Names in a chart of a terminal: at the ends of curves, and beside points."""

import math
from collections.abc import Mapping, Sequence
from string import ascii_letters

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from saetui.figures.places import Box, free_places, spread
from saetui.figures.plots import Chart
from saetui.tui.drawing.canvas import Canvas
from saetui.tui.drawing.look import Look, marker
from saetui.visible import visible

# Names at the ends take no more than this part of the width.
_SHARE = 0.34
_SIGN = 2

Named = tuple[str, tuple[int, int], Style]
"""A name, the column and row of its point, and how it looks."""


def ends_width(chart: Chart, width: int, rows: int) -> int:
    """How many columns the names of curves take beside their ends; 0 where a legend has to say them."""
    if not chart.is_of_curves or not 1 < len(chart.lines) <= rows:
        return 0
    needed = 1 + _SIGN + max(cell_len(line.name) for line in chart.lines)
    return needed if needed <= width * _SHARE else 0


def names_at_ends(chart: Chart, ends: Sequence[float | None], rows: int, look: Look) -> dict[int, Segment]:
    """The names by row, each as near as may be to where its line ends (rows from the top, None where it has no end)."""
    indices = [index for index, end in enumerate(ends) if end is not None]
    places = spread([end for end in ends if end is not None], 1.0, 0.0, rows - 1.0)
    found = {}
    for index, place in zip(indices, places, strict=True):
        line = chart.lines[index]
        text = f" {marker(index, reference=line.reference)} {visible(line.name)}"
        # Rounded so that what is one row apart does not meet.
        found[math.floor(place + 0.5 + 1e-6)] = Segment(text, look.series(index, reference=line.reference))
    return found


def tags_of(names: Sequence[Named]) -> dict[str, str]:
    """A letter for each name, for points whose names have no room beside them."""
    distinct = dict.fromkeys(name for name, _, _ in names)
    return {name: ascii_letters[index % len(ascii_letters)] for index, name in enumerate(distinct)}


def put_names(canvas: Canvas, names: Sequence[Named], tags: Mapping[str, str] | None = None) -> bool:
    """Write names, or their ``tags``, beside their points, none over another or over a point.

    Names are written only where all have room; tags where they have. Gives back whether all are written.
    """
    taken = [_cells(place, 1) for _, place, _ in names]
    others = set(canvas.drawn) - {place for _, place, _ in names}
    texts = [visible(name if tags is None else tags[name]) for name, _, _ in names]
    wanted = [
        [_cells(start, cell_len(text)) for start in _starts(place, cell_len(text))]
        for text, (_, place, _) in zip(texts, names, strict=True)
    ]
    found = free_places(wanted, Box(0, 0, canvas.columns, canvas.rows), taken, [_cells(place, 1) for place in others])
    fits = None not in found
    if fits or tags is not None:
        for text, (_, _, style), boxes, place in zip(texts, names, wanted, found, strict=True):
            if place is not None:
                canvas.text(round(boxes[place].left), round(boxes[place].low), text, style)
    return fits


def _cells(start: tuple[int, int], length: int) -> Box:
    return Box(start[0], start[1], start[0] + length, start[1] + 1)


def _starts(place: tuple[int, int], length: int) -> list[tuple[int, int]]:
    """Where a name of a point can begin: with a space beside it where it is long, or above and below."""
    column, row = place
    gap = 1 if length > 1 else 0
    beside = [(column + 1 + gap, row), (column - gap - length, row)]
    near = [
        (start, row + by) for by in (-1, 1) for start in (column + 1, column - length, column - length // 2, column)
    ]
    return [*beside, *near]
