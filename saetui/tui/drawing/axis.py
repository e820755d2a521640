"""One axis of a plot: its range, where a value stands on it, and which ticks it shows."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from saetui.tui.drawing.fit import short_number

_NICE = (1.0, 2.0, 5.0, 10.0)
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
        """At most ``most`` round values within the range; on a log scale ``values`` themselves where they are few."""
        if most < 1:
            return []
        if self.logarithmic:
            places = sorted(value for value in set(values) if self.place(value) is not None)
            return places if 1 < len(places) <= most else self._log_ticks(most)
        return self._linear_ticks(most)

    def _linear_ticks(self, most: int) -> list[float]:
        span = self.high - self.low
        power = 10.0 ** math.floor(math.log10(span / most))
        for step in (nice * power * scale for scale in (1, 10) for nice in _NICE):
            first = math.ceil(self.low / step - 1e-9)
            count = math.floor(self.high / step + 1e-9) - first + 1
            if count <= most:
                return [round(index * step, 12) for index in range(first, first + count)]
        return []

    def _log_ticks(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for digits in ((1, 2, 5), (1, 3), (1,)):
            candidates = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
            ticks = [tick for tick in candidates if self.low <= tick <= self.high]
            if len(ticks) <= most:
                return ticks
        stride = -(-len(ticks) // most)
        return ticks[::stride]

    def labels(self, ticks: Sequence[float]) -> list[str]:
        """Ticks as text, all with the same number of digits."""
        if not ticks:
            return []
        largest = max(abs(tick) for tick in ticks)
        if largest >= 1000:
            return [short_number(tick).replace(".0", "") for tick in ticks]
        if self.logarithmic and largest > 1000 * min(abs(tick) for tick in ticks):
            return [f"{tick:g}" for tick in ticks]
        for digits in range(7):
            if all(math.isclose(round(tick, digits), tick, rel_tol=1e-6, abs_tol=1e-12) for tick in ticks):
                return [f"{tick:.{digits}f}".replace("-", "−") for tick in ticks]
        return [f"{tick:.1e}" for tick in ticks]
