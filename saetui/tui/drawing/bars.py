"""Horizontal bars from zero, to either side of it or end to end."""

from rich.segment import Segment
from textual.strip import Strip

from saetui.figures.description import Bar, BarChart
from saetui.tui.drawing.look import Look
from saetui.tui.drawing.words import line, said
from saetui.tui.widgets.visible import fit

# The fill of each name's bars, and its half to the left and to the right of zero.
_FILLS = (("█", "▐", "▌"), ("▒", "▒", "▒"), ("░", "░", "░"), ("▓", "▓", "▓"), ("▚", "▚", "▚"))
_FEWEST_COLUMNS = 24
_NUMBER = 7
# Room for intervals, where enough of it is left for the bars.
_INTERVAL, _WITH_INTERVALS = 18, 64
_LABEL_SHARE = 0.35


def natural_height(chart: BarChart) -> int:
    """Lines that it takes to show all bars."""
    return len(chart.bars) * _lines(chart) + 2


def draw_bars(chart: BarChart, width: int, height: int, look: Look) -> list[Strip]:
    """What the bars measure, a line for each bar with its number, and a word about those there was no room for."""
    if chart.is_empty or width < _FEWEST_COLUMNS or height < 3:
        return [said("nothing to draw yet" if chart.is_empty else "too small to draw", width, look)]
    room = (height - 1) // _lines(chart)
    shown = chart.bars if len(chart.bars) <= room else chart.bars[: max(1, (height - 2) // _lines(chart))]
    strips = [_legend(chart, width, look)]
    names, notes = (max(map(len, texts)) for texts in zip(*((bar.label, bar.note) for bar in shown), strict=True))
    label = min(names + 1 + notes, max(8, round(width * _LABEL_SHARE)))
    with_intervals = width >= _WITH_INTERVALS and any(bar.intervals for bar in shown)
    columns = width - label - _NUMBER - 3 - _INTERVAL * with_intervals
    values = [value for bar in shown for value in _values(chart, bar) if value is not None]
    low, high = min(0.0, *values), max(0.0, *values)
    # Where nothing goes to one side, the axis stands at the edge.
    left = round(columns * -low / (high - low)) if high > low else 0
    for bar in shown:
        heads = [fit(f"{bar.label.rjust(names)} {bar.note}", label), *[" " * label] * (_lines(chart) - 1)]
        if chart.stacked:
            (total,) = _values(chart, bar)
            stack = _stack(bar, high, columns, look)
            segments = [Segment(f"{heads[0]} ", look.text), Segment("│", look.axis), *stack, _number(total, look)]
            strips.append(Strip(segments).crop_extend(0, width, look.text))
            continue
        for index, (head, value) in enumerate(zip(heads, bar.values, strict=True)):
            drawn = _bar(value, low, high, left, columns - left, index)
            segments = [
                Segment(f"{head} ", look.text),
                Segment(drawn[0], look.series(index)),
                Segment("│", look.axis),
                Segment(drawn[1], look.series(index)),
                _number(value, look),
            ]
            if with_intervals and (ends := bar.ends(index)) is not None:
                segments.append(Segment(f"  {_written(ends[0])} … {_written(ends[1])}", look.axis))
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


def _number(value: float | None, look: Look) -> Segment:
    text = "–" if value is None else _written(value, sign=True)
    return Segment(text.rjust(_NUMBER + 1), look.axis if value is None else look.text)


def _written(value: float, *, sign: bool = False) -> str:
    return f"{value:{'+' if sign else ''}.2f}".replace("-", "−") if value else "0"


def _legend(chart: BarChart, width: int, look: Look) -> Strip:
    if len(chart.names) == 1:
        return line(f"{chart.label}  {chart.scale.text}, {chart.names[0]}".strip(), width, look.axis)
    segments = [Segment(f"{chart.label}  ", look.axis)]
    for index, name in enumerate(chart.names):
        segments += [Segment(_FILLS[index % len(_FILLS)][0] * 2, look.series(index)), Segment(f" {name}  ", look.text)]
    segments.append(Segment(chart.scale.text, look.axis))
    return Strip(segments).crop_extend(0, width, look.text)
