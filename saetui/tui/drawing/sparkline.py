"""Small bars in text: a line of eighth blocks for a series, a horizontal bar for a share."""

import math
from collections.abc import Sequence
from itertools import pairwise

BLOCKS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def resampled(values: Sequence[float], width: int) -> list[float]:
    """``values`` summed into ``width`` equal bins, or unchanged where there are no more of them than that."""
    count = len(values)
    if count <= width:
        return [float(value) for value in values]
    edges = [index * count // width for index in range(width + 1)]
    return [float(sum(values[start:end])) for start, end in pairwise(edges)]


def sparkline(values: Sequence[float], width: int) -> str:
    """One character per value, scaled to the largest; zero is a space, anything above it at least the lowest block."""
    bins = resampled(values, width)
    top = max(bins, default=0.0)
    if top <= 0:
        return " " * len(bins)
    return "".join(" " if value <= 0 else BLOCKS[math.ceil(value / top * len(BLOCKS)) - 1] for value in bins)


def bar(share: float, width: int) -> str:
    """A bar of ``share`` (0 to 1) of ``width`` cells in eighths of a cell, padded with spaces."""
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)
