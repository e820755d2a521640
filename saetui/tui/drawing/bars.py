"""Horizontal bars from zero, to either side of it or end to end."""

from rich.segment import Segment
from textual.strip import Strip

from saetui.figures.plots import Bar, BarChart
from saetui.tui.drawing.fit import fit
from saetui.tui.drawing.look import PLAIN, Look
from saetui.tui.drawing.words import line, said
from saetui.visible import visible

# The fill of each name's bars, and its half to the left and to the right of zero.
_FILLS = (("█", "▐", "▌"), ("▒", "▒", "▒"), ("░", "░", "░"), ("▓", "▓", "▓"), ("▚", "▚", "▚"))
_FEWEST_COLUMNS = 24
_NUMBER = 7
# Room for intervals, where enough of it is left for the bars.
_INTERVAL, _FEWEST_BESIDE = 18, 12
# The width that a height is guessed for.
_USUAL_WIDTH = 64
_LABEL_SHARE = 0.35


def natural_height(chart: BarChart) -> int:
    """Lines that it takes to show all bars, before the width is known."""
    return len(chart.bars) * _lines(chart) + 1 + len(_legend(chart, _USUAL_WIDTH, PLAIN))


def draw_bars(chart: BarChart, width: int, height: int, look: Look) -> list[Strip]:
    """What the bars measure, a line for each bar with its number, and how many there was no room for."""
    if chart.is_empty or width < _FEWEST_COLUMNS or height < 3:
        return [said("nothing to draw yet" if chart.is_empty else "too small to draw", width, look)]
    strips = _legend(chart, width, look)[: max(1, height // 3)]
    room = height - len(strips)
    fitting = len(chart.bars) if len(chart.bars) * _lines(chart) <= room else max(1, (room - 1) // _lines(chart))
    shown = chart.bars[:fitting]
    names, notes = (max(map(len, texts)) for texts in zip(*((bar.label, bar.note) for bar in shown), strict=True))
    notes += notes > 0
    label = min(names + notes, max(8, round(width * _LABEL_SHARE)))
    # What tells the rows apart is cut last.
    names = min(names, label)
    columns = width - label - _NUMBER - 3
    with_intervals = columns - _INTERVAL >= _FEWEST_BESIDE and any(bar.intervals for bar in shown)
    columns -= _INTERVAL * with_intervals
    values = [value for bar in shown for value in _values(chart, bar) if value is not None]
    low, high = min(0.0, *values), max(0.0, *values)
    # Where nothing goes to one side, the axis stands at the edge.
    left = round(columns * -low / (high - low)) if high > low else 0
    for bar in shown:
        head = " ".join(filter(None, (fit(bar.label, names, right=True), bar.note)))
        heads = [fit(head, label), *[" " * label] * (_lines(chart) - 1)]
        if chart.stacked:
            (total,) = _values(chart, bar)
            stack = _stack(bar, high, columns, look)
            start = [Segment(f"{heads[0]} ", look.text), Segment("│", look.axis)]
            strips.append(Strip([*start, *stack, _number(total, False, look)]).crop_extend(0, width, look.text))
            continue
        for index, (head, value) in enumerate(zip(heads, bar.values, strict=True)):
            drawn = _bar(value, low, high, left, columns - left, index)
            segments = [
                Segment(f"{head} ", look.text),
                Segment(drawn[0], look.series(index)),
                Segment("│", look.axis),
                Segment(drawn[1], look.series(index)),
                _number(value, low < 0, look),
            ]
            if with_intervals and (ends := bar.ends(index)) is not None:
                texts = [_written(end, signed=low < 0) for end in ends]
                segments.append(Segment(f"  {' … '.join(texts)}", look.axis))
            strips.append(Strip(segments).crop_extend(0, width, look.text))
    if len(shown) < len(chart.bars):
        strips.append(said(f"and {len(chart.bars) - len(shown)} more", width, look))
    return strips


def _lines(chart: BarChart) -> int:
    """Lines that a row of bars takes."""
    return 1 if chart.stacked else len(chart.names)


def _values(chart: BarChart, bar: Bar) -> tuple[float | None, ...]:
    """How far the bars of a row reach."""
    return (sum(value or 0.0 for value in bar.values),) if chart.stacked else bar.values


def _bar(value: float | None, low: float, high: float, left: int, right: int, index: int) -> tuple[str, str]:
    """What stands to the left and to the right of the axis, in halves of a cell."""
    full, half_left, half_right = _FILLS[index % len(_FILLS)]
    if not value:
        return " " * left, " " * right
    room, limit = (left, low) if value < 0 else (right, high)
    halves = max(1, round(2 * room * value / limit))
    if value < 0:
        return ((half_left if halves % 2 else "") + full * (halves // 2)).rjust(left), " " * right
    return " " * left, (full * (halves // 2) + (half_right if halves % 2 else "")).ljust(right)


def _stack(bar: Bar, high: float, columns: int, look: Look) -> list[Segment]:
    """The bars of a row end to end, then what is left of the columns."""
    segments, reached, start = [], 0.0, 0
    for index, value in enumerate(bar.values):
        reached += value or 0.0
        end = round(columns * reached / high) if high > 0 else 0
        segments.append(Segment(_FILLS[index % len(_FILLS)][0] * (end - start), look.series(index)))
        start = end
    return [*segments, Segment(" " * (columns - start), look.text)]


def _number(value: float | None, signed: bool, look: Look) -> Segment:
    text = "–" if value is None else _written(value, signed=signed)
    return Segment(text.rjust(_NUMBER + 1), look.axis if value is None else look.text)


def _written(value: float, *, signed: bool) -> str:
    return f"{value:{'+' if signed else ''}.2f}".replace("-", "−") if value else "0"


def _legend(chart: BarChart, width: int, look: Look) -> list[Strip]:
    """What the bars measure and what their fills stand for, on as many lines as that takes."""
    if len(chart.names) == 1:
        return [line(f"{chart.label}  {chart.scale.text}, {chart.names[0]}".strip(), width, look.axis)]
    entries = [[Segment(f"{chart.label}  ", look.axis)]]
    for index, name in enumerate(chart.names):
        fill = Segment(_FILLS[index % len(_FILLS)][0] * 2, look.series(index))
        entries.append([fill, Segment(f" {visible(name)}  ", look.text)])
    entries.append([Segment(chart.scale.text, look.axis)])
    rows: list[list[Segment]] = [[]]
    for entry in entries:
        if rows[-1] and _length([*rows[-1], *entry]) > width:
            rows.append([])
        rows[-1] += entry
    return [Strip(segments).crop_extend(0, width, look.text) for segments in rows]


def _length(segments: list[Segment]) -> int:
    return sum(segment.cell_length for segment in segments)
