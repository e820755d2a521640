"""Horizontal bars from zero, to either side of it."""

from rich.segment import Segment
from textual.strip import Strip

from saetui.figures.description import BarChart
from saetui.tui.drawing.look import Look
from saetui.tui.drawing.words import line, said
from saetui.tui.widgets.visible import fit

# The fill of each name's bars, and its half to the left and to the right of zero.
_FILLS = (("█", "▐", "▌"), ("▒", "▒", "▒"), ("░", "░", "░"))
_FEWEST_COLUMNS = 24
_NUMBER = 7
_LABEL_SHARE = 0.35


def natural_height(chart: BarChart) -> int:
    """Lines that it takes to show all bars."""
    return len(chart.bars) * len(chart.names) + 2


def draw_bars(chart: BarChart, width: int, height: int, look: Look) -> list[Strip]:
    """What the bars measure, a line for each bar with its number, and a word about those there was no room for."""
    if chart.is_empty or width < _FEWEST_COLUMNS or height < 3:
        return [said("nothing to draw yet" if chart.is_empty else "too small to draw", width, look)]
    room = (height - 1) // len(chart.names)
    shown = chart.bars if len(chart.bars) <= room else chart.bars[: max(1, (height - 2) // len(chart.names))]
    strips = [_legend(chart, width, look)]
    names, notes = (max(map(len, texts)) for texts in zip(*((bar.label, bar.note) for bar in shown), strict=True))
    label = min(names + 1 + notes, max(8, round(width * _LABEL_SHARE)))
    columns = width - label - _NUMBER - 3
    values = [value for bar in shown for value in bar.values if value is not None]
    low, high = min(0.0, *values), max(0.0, *values)
    # Where nothing goes to one side, the axis stands at the edge.
    left = round(columns * -low / (high - low)) if high > low else 0
    for bar in shown:
        for index, value in enumerate(bar.values):
            text = fit(f"{bar.label.rjust(names)} {bar.note}" if index == 0 else "", label)
            drawn = _bar(value, low, high, left, columns - left, index)
            segments = [
                Segment(f"{text} ", look.text),
                Segment(drawn[0], look.series(index)),
                Segment("│", look.axis),
                Segment(drawn[1], look.series(index)),
                Segment(_number(value).rjust(_NUMBER + 1), look.text if value is not None else look.axis),
            ]
            strips.append(Strip(segments).crop_extend(0, width, look.text))
    if len(shown) < len(chart.bars):
        strips.append(said(f"and {len(chart.bars) - len(shown)} more", width, look))
    return strips


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


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}".replace("-", "−") if value else "0"


def _legend(chart: BarChart, width: int, look: Look) -> Strip:
    if len(chart.names) == 1:
        return line(f"{chart.label}  {chart.scale.text}, {chart.names[0]}".strip(), width, look.axis)
    segments = [Segment(f"{chart.label}  ", look.axis)]
    for index, name in enumerate(chart.names):
        segments += [Segment(_FILLS[index % len(_FILLS)][0] * 2, look.series(index)), Segment(f" {name}  ", look.text)]
    segments.append(Segment(chart.scale.text, look.axis))
    return Strip(segments).crop_extend(0, width, look.text)
