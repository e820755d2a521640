"""The plots of a figure as data: what is drawn on which axes, before anything draws it.

Names in it come from stores of others: every text is made visible where it enters, whoever draws it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, ClassVar, TypeAlias

from saetui.visible import visible, visible_lines


class Shown:
    """Base of what has texts that are drawn: its fields of text, or of several, are made visible."""

    # Fields whose line breaks are kept, and those that are kept as they are.
    _LINES: ClassVar[frozenset[str]] = frozenset()
    _EXACT: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name in self._EXACT:
                continue
            if isinstance(value, str):
                shown: Any = visible_lines(value) if name in self._LINES else visible(value)
            elif isinstance(value, tuple) and value and isinstance(value[0], str):
                shown = tuple(map(visible, value))
            else:
                continue
            if shown != value:
                object.__setattr__(self, name, shown)


@dataclass(frozen=True)
class Scale(Shown):
    """What an axis measures; ``whole`` allows no ticks between whole numbers."""

    label: str
    unit: str = ""
    logarithmic: bool = False
    from_zero: bool = False
    whole: bool = False

    @property
    def text(self) -> str:
        """The label with its unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True)
class Point(Shown):
    """One place, with the ends of its interval along y where it has one, and what it stands for."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of its interval; where it has none, twice its place."""
        return (self.y, self.y) if self.low is None or self.high is None else (self.low, self.high)


def _hide(one: Point, other: Point, least: float) -> bool:
    """Whether two points at one place along x, or their intervals, are drawn over each other."""
    (low, high), (other_low, other_high) = one.ends, other.ends
    return abs(one.y - other.y) <= least or (low <= other_high and other_low <= high)


@dataclass(frozen=True)
class Line(Shown):
    """Points that belong together, from left to right; a ``reference`` is what the other lines are compared with.

    ``marked=False`` draws the line without a marker at each point, as for a fitted curve; where all lines of a chart
    are so, they have a few, which tell them apart.
    ``joined=False`` draws the markers without a line between them.
    """

    name: str
    points: tuple[Point, ...]
    reference: bool = False
    marked: bool = True
    joined: bool = True


@dataclass(frozen=True)
class Chart(Shown):
    """Lines on two axes; ``key`` says what the names of the lines are, e.g. "width".

    ``named`` writes the label of each point beside it.
    """

    title: str
    x: Scale
    y: Scale
    lines: tuple[Line, ...]
    key: str = ""
    named: bool = False

    @property
    def is_of_curves(self) -> bool:
        """Whether its lines, but for references, are curves: a few markers and names at their ends tell them apart."""
        compared = [line for line in self.lines if not line.reference]
        return bool(compared) and not any(line.marked for line in compared)

    def spots(self, index: int, most: int) -> range:
        """Which points of a line have a marker: of one of several curves at most ``most``, for each other ones."""
        line = self.lines[index]
        if line.marked:
            return range(len(line.points))
        if line.reference or not self.is_of_curves:
            return range(0)
        every = max(1, -(-len(line.points) // most))
        return range(index * every // len(self.lines) % every, len(line.points), every)

    def steps(self, near: float) -> tuple[float, ...]:
        """How many steps to the side each line is drawn, so that points at one place along x do not hide each other.

        Points do where their intervals overlap, or they are within ``near`` of each other, a part of the range along y.
        """
        none = (0.0,) * len(self.lines)
        marked = [index for index, line in enumerate(self.lines) if line.marked]
        points = [point for index in marked for point in self.lines[index].points]
        if not points or not (self.x.whole or any(p.low is not None for p in points) or self._has_lone_points):
            return none
        ys = [y for point in points for y in (point.y, *point.ends)]
        least = near * (max(ys) - (0.0 if self.y.from_zero else min(ys)))
        at: dict[float, list[Point]] = {}
        for point in points:
            at.setdefault(point.x, []).append(point)
        if not any(_hide(one, other, least) for some in at.values() for one, other in combinations(some, 2)):
            return none
        middle = (len(marked) - 1) / 2
        return tuple(marked.index(index) - middle if index in marked else 0.0 for index in range(len(self.lines)))

    @property
    def _has_lone_points(self) -> bool:
        return any(len(line.points) == 1 for line in self.lines)

    @property
    def places(self) -> list[float]:
        """Where along x there is something to read off: at the markers, or along curves where there are none."""
        marked = [point.x for line in self.lines if line.marked for point in line.points]
        return marked or [point.x for line in self.lines for point in line.points]

    @property
    def is_empty(self) -> bool:
        return not any(line.points for line in self.lines)


@dataclass(frozen=True)
class Bar(Shown):
    """One row of bars: a value for each of the chart's ``names``, None where there is none.

    ``intervals`` are the ends of each value's interval, for all names or for none.
    """

    label: str
    values: tuple[float | None, ...]
    note: str = ""
    intervals: tuple[tuple[float, float] | None, ...] = ()

    def ends(self, index: int) -> tuple[float, float] | None:
        """The interval of one value, where it has one."""
        return self.intervals[index] if self.intervals else None


@dataclass(frozen=True)
class BarChart(Shown):
    """Bars from zero: a row per thing, and in it a bar per name.

    ``stacked`` puts the bars of a row end to end; its values are not negative then, and without intervals.
    """

    title: str
    scale: Scale
    names: tuple[str, ...]
    bars: tuple[Bar, ...]
    label: str = ""
    stacked: bool = False

    @property
    def is_empty(self) -> bool:
        return all(value is None for bar in self.bars for value in bar.values)

    @property
    def known(self) -> BarChart:
        """The same without the names of which no bar has a value."""
        kept = [index for index in range(len(self.names)) if any(bar.values[index] is not None for bar in self.bars)]
        if len(kept) == len(self.names):
            return self
        bars = tuple(
            replace(
                bar,
                values=tuple(bar.values[index] for index in kept),
                intervals=tuple(bar.ends(index) for index in kept) if bar.intervals else (),
            )
            for bar in self.bars
        )
        return replace(self, names=tuple(self.names[index] for index in kept), bars=bars)


@dataclass(frozen=True)
class HeatMap(Shown):
    """A share for each row and column, None where there is none, written in percent.

    The colours go from none at 0 to all at ``high``. ``pale`` cells, by row and column from 0, do not count: they have
    a number and no colour.
    """

    title: str
    scale: Scale
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    high: float = 1.0
    row_label: str = ""
    column_label: str = ""
    pale: frozenset[tuple[int, int]] = frozenset()

    @property
    def is_empty(self) -> bool:
        return all(value is None for row in self.values for value in row)


Plot: TypeAlias = Chart | BarChart | HeatMap
