"""One axis of a plot: its range, where a value stands on it, and which ticks it shows."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from saetui.figures.ticks import linear_ticks, log_ticks, tick_labels
from saetui.tui.drawing.fit import short_number

_MARGIN = 0.06


@dataclass(frozen=True)
class Axis:
    """A range on a linear or logarithmic scale."""

    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def around(cls, values: Sequence[float], *, logarithmic: bool = False, from_zero: bool = False) -> "Axis":
        """The axis that shows all values with a small margin; values that a log scale cannot hold are left out."""
        usable = [v for v in values if math.isfinite(v) and (v > 0 or not logarithmic)]
        if not usable:
            return cls(1.0, 10.0, True) if logarithmic else cls(0.0, 1.0)
        low, high = min(usable), max(usable)
        if logarithmic:
            low, high = math.log(low), math.log(high)
        if low == high:
            spread = 0.5 if logarithmic else abs(low) / 2 or 0.5
            low, high = low - spread, high + spread
        air = (high - low) * _MARGIN
        floor = 0.0 if from_zero and not logarithmic and low >= 0 else low - air
        # The margin never takes quantities that cannot be negative below zero.
        if not logarithmic and low >= 0:
            floor = max(0.0, floor)
        high += air
        return cls(math.exp(floor), math.exp(high), True) if logarithmic else cls(floor, high)

    def place(self, value: float) -> float | None:
        """Where a value stands between low (0) and high (1); None where the scale cannot hold it."""
        if not math.isfinite(value) or (self.logarithmic and value <= 0):
            return None
        if self.logarithmic:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int, values: Collection[float] = ()) -> list[float]:
        """At most ``most`` round values within the range.

        A single one of ``values`` is the tick, and on a log scale all of them are where they are few.
        """
        if len(set(values)) == 1 and self.place(next(iter(values))) is not None:
            return [*set(values)]
        if not self.logarithmic:
            return linear_ticks(self.low, self.high, most)
        places = sorted(value for value in set(values) if self.place(value) is not None)
        return places if 1 < len(places) <= most else log_ticks(self.low, self.high, most)

    def labels(self, ticks: Sequence[float]) -> list[str]:
        """Ticks as text, all with the same number of digits."""
        if ticks and max(abs(tick) for tick in ticks) >= 1000:
            return [short_number(tick).replace(".0", "") for tick in ticks]
        return tick_labels(ticks)
