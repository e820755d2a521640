"""Where the ticks of an axis are, and what is written at them; for figures on screen and on paper alike."""

import math
from collections.abc import Sequence
from itertools import pairwise

_NICE = (1.0, 2.0, 5.0, 10.0)
# Digits at which a logarithmic axis has ticks: those that are usual, more of them where it spans little, or fewer.
_USUAL, _MORE, _FEWER = (1, 2, 5), ((1, 2, 3, 5), (1, 2, 3, 5, 7), tuple(range(1, 10))), ((1, 3), (1,))
_FEWEST = 4
# A label is rounded by less than this part of the distance to the next tick.
_UNSEEN = 0.01


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` round values from ``low`` to ``high``, at equal distances."""
    if most < 1 or not low < high:
        return []
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (nice * power * scale for scale in (1, 10) for nice in _NICE):
        first = math.ceil(low / step - 1e-9)
        count = math.floor(high / step + 1e-9) - first + 1
        if count <= most:
            return [round(index * step, 12) for index in range(first, first + count)]
    return []


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` round values of a logarithmic axis; where it spans little, they are at equal distances."""
    if most < 1:
        return []
    ticks = _round_values(low, high, _USUAL)
    for digits in _MORE:
        more = _round_values(low, high, digits)
        if len(ticks) < _FEWEST and len(more) <= most:
            ticks = more
    for digits in _FEWER:
        if len(ticks) > most:
            ticks = _round_values(low, high, digits)
    if len(ticks) < min(_FEWEST - 1, most) and high < 10 * low:
        ticks = max(ticks, linear_ticks(low, high, most), key=len)
    return ticks[:: -(-len(ticks) // most)] if ticks else []


def _round_values(low: float, high: float, digits: Sequence[int]) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = (digit * 10.0**power for power in powers for digit in digits)
    return [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]


def tick_labels(ticks: Sequence[float], *, separated: bool = False) -> list[str]:
    """Ticks as text, all with as many decimals as tell them apart; ``separated``: thousands have commas.

    Where they span more than three decades each has the digits that it needs.
    """
    sizes = [abs(tick) for tick in ticks if tick]
    if not sizes:
        return ["0" for _ in ticks]
    comma = "," if separated else ""
    gap = min((abs(b - a) for a, b in pairwise(sorted(set(ticks)))), default=sizes[0])
    if min(sizes) > 0 and max(sizes) > 1000 * gap and all(tick > 0 for tick in ticks):
        return [f"{tick:{comma}.3g}" if tick < 1000 else f"{tick:{comma}.0f}" for tick in ticks]
    for digits in range(7):
        if all(abs(round(tick, digits) - tick) <= _UNSEEN * gap for tick in ticks):
            return [f"{tick:{comma}.{digits}f}".replace("-", "−") for tick in ticks]
    return [f"{tick:.1e}".replace("-", "−") for tick in ticks]
