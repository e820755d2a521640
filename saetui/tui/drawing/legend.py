"""What the markers of a chart stand for."""

from rich.segment import Segment
from textual.strip import Strip

from saetui.figures.plots import Chart
from saetui.tui.drawing.look import Look, marker
from saetui.visible import visible


def legend_lines(chart: Chart, width: int, look: Look) -> list[Strip]:
    """Each line's marker and name, on as many lines as that takes."""
    rows: list[list[Segment]] = [[Segment(f"  {chart.key}  " if chart.key else "  ", look.axis)]]
    for index, line in enumerate(chart.lines):
        sign = marker(index, reference=line.reference) if line.marked else "─"
        entry = Segment(f"{sign} {visible(line.name)}", look.series(index, reference=line.reference))
        used = sum(len(segment.text) for segment in rows[-1])
        if used + len(entry.text) > width and len(rows[-1]) > 1:
            rows.append([Segment("  ", look.text)])
        rows[-1] += [entry, Segment("  ", look.text)]
    return [Strip(segments).crop_extend(0, width, look.text) for segments in rows]
