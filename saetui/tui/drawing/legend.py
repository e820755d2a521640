"""What the markers of a chart stand for."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from saetui.figures.plots import Chart
from saetui.tui.drawing.look import REFERENCE_DASHES, Look, marker
from saetui.visible import visible


def legend_lines(chart: Chart, width: int, look: Look, most: int | None = None) -> list[Strip]:
    """Each line's marker and name, on as many lines as that takes, or on ``most``, which say how many are left."""
    references = 0
    entries = []
    for index, line in enumerate(chart.lines):
        sign = marker(index, reference=line.reference)
        if not (line.marked or line.reference or chart.is_of_curves):
            sign = "─"
        elif line.reference and not line.marked:
            sign = REFERENCE_DASHES[references % len(REFERENCE_DASHES)][1]
            references += 1
        entries.append(Segment(f"{sign} {visible(line.name)}", look.series(index, reference=line.reference)))
    return flowing(f"  {chart.key}" if chart.key else "", entries, width, look, most)


def flowing(head: str, entries: Sequence[Segment], width: int, look: Look, most: int | None = None) -> list[Strip]:
    """Entries one after the other, after a ``head``, on as many lines as that takes."""
    rows: list[list[Segment]] = [[Segment(f"{head}  ", look.axis)]]
    for index, entry in enumerate(entries):
        more = f"and {len(entries) - index} more"
        is_last = most is not None and len(rows) == most
        # Where no line follows, what is left must be said on this one.
        room = width - (len(more) + 2 if is_last and index + 1 < len(entries) else 0)
        if sum(segment.cell_length for segment in rows[-1]) + entry.cell_length > room and len(rows[-1]) > 1:
            if is_last:
                rows[-1].append(Segment(more, look.axis))
                break
            rows.append([Segment("  ", look.text)])
        rows[-1] += [entry, Segment("  ", look.text)]
    return [Strip(segments).crop_extend(0, width, look.text) for segments in rows[:most]]
