"""A histogram in a few lines of block characters, with the ends of its range below."""

import math
from collections.abc import Sequence

from saetui.tui.drawing.sparkline import resampled

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def histogram_lines(counts: Sequence[float], width: int, height: int, *, logarithmic: bool = False) -> list[str]:
    """``height`` lines of ``width`` cells, highest first; any count above zero shows at least the lowest block.

    Bins are widened to fill the width, or summed where there are more of them than cells. With ``logarithmic`` the
    height of a bar is the logarithm of its count.
    """
    bins = resampled(counts, width)
    if not bins:
        return [" " * width] * height
    scale = math.log1p if logarithmic else float
    heights = [scale(count) for count in bins]
    top = max(heights) or 1.0
    eighths = [max(1, round(value / top * height * 8)) if value > 0 else 0 for value in heights]
    columns = [eighths[index * len(bins) // width] for index in range(width)]
    lines = []
    for row in reversed(range(height)):
        lines.append("".join(_EIGHTHS[max(0, min(8, value - row * 8))] for value in columns))
    return lines


def range_line(low: str, high: str, width: int, middle: str = "") -> str:
    """The line under a histogram: its ends, and what is measured between them where there is room."""
    room = width - len(low) - len(high)
    if room < len(middle) + 2:
        middle = ""
    return low + middle.center(max(0, room)) + high
