"""Where names stand so that none is drawn over another: beside points, and at the ends of lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle, its edges in any unit."""

    left: float
    low: float
    right: float
    high: float

    def meets(self, other: Box) -> bool:
        """Whether the two have more than an edge in common."""
        return self.left < other.right and other.left < self.right and self.low < other.high and other.low < self.high

    def holds(self, other: Box) -> bool:
        """Whether the other is inside."""
        return (
            self.left <= other.left and other.right <= self.right and self.low <= other.low and other.high <= self.high
        )


def free_places(
    wanted: Sequence[Sequence[Box]], inside: Box, taken: Sequence[Box], better_free: Sequence[Box] = ()
) -> list[int | None]:
    """For each name which of its boxes it has, those that it would rather have first; None where all are taken.

    No name meets another or what is ``taken``; what is ``better_free`` is met only where there is no other place.
    Names with the fewest free places choose first.
    """
    free = [
        [index for index, box in enumerate(boxes) if inside.holds(box) and not any(map(box.meets, taken))]
        for boxes in wanted
    ]
    found: list[int | None] = [None] * len(wanted)
    placed: list[Box] = []
    for name in sorted(range(len(wanted)), key=lambda name: len(free[name])):
        left = [index for index in free[name] if not any(map(wanted[name][index].meets, placed))]
        clear = (index for index in left if not any(map(wanted[name][index].meets, better_free)))
        found[name] = next(clear, left[0] if left else None)
        if (place := found[name]) is not None:
            placed.append(wanted[name][place])
    return found


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places along a line, in the same order, at least ``gap`` apart and as near as may be to where they were.

    They lie between ``low`` and ``high``; where there is no room for that, they are equally far apart.
    """
    if not places:
        return []
    gap = min(gap, (high - low) / max(1, len(places) - 1))
    order = sorted(range(len(places)), key=lambda index: places[index])
    # Without the gaps what is left is to make them rise: runs that fall are replaced by their mean.
    runs: list[tuple[float, int]] = []
    for step, index in enumerate(order):
        mean, count = places[index] - gap * step, 1
        while runs and runs[-1][0] > mean:
            before, more = runs.pop()
            mean, count = (mean * count + before * more) / (count + more), count + more
        runs.append((mean, count))
    risen = [mean for mean, count in runs for _ in range(count)]
    found = [0.0] * len(places)
    for step, index in enumerate(order):
        found[index] = min(max(risen[step], low), high - gap * (len(places) - 1)) + gap * step
    return found
