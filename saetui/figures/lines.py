"""Rows to lines: SAEs that are alike but for what stands on the x axis belong to one line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from saetui.figures.plots import Line, Point, Scale
from saetui.figures.recipes import Recipes

Row: TypeAlias = Mapping[str, Any]
Interval: TypeAlias = Callable[[Row], tuple[float, float] | None]


@dataclass(frozen=True)
class Trait:
    """One way in which SAEs differ: what it is called, how it sorts, and how it is written."""

    name: str
    order: Callable[[Row], Any]
    text: Callable[[Row], str]


def _sparsity_order(row: Row) -> tuple[int, float]:
    if row["k"] is not None:
        return 0, float(row["k"])
    return 1, round(math.log2(row["l0"])) if row["l0"] else -1.0


def _sparsity_text(row: Row) -> str:
    kind, value = _sparsity_order(row)
    if kind == 0:
        return f"k {value:g}"
    return f"L0 ≈ {2**value:g}" if row["l0"] else "L0 unknown"


def _hook_kind(row: Row) -> str:
    return str(row["hook_name"]).rpartition(".")[2].removeprefix("hook_")


WIDTH = Trait("width", lambda row: row["width"], lambda row: f"{row['width']:,}")
# TopK SAEs by their k; where there is none, by the power of two that is nearest to the measured L0.
SPARSITY = Trait("sparsity", _sparsity_order, _sparsity_text)
ARCHITECTURE = Trait("architecture", lambda row: row["architecture"], lambda row: str(row["architecture"]))
MODEL = Trait("model", lambda row: str(row["model"]), lambda row: str(row["model"]))
HOOK_KIND = Trait("hook", _hook_kind, _hook_kind)

WIDTH_SCALE = Scale("width", "latents", logarithmic=True)
LAYER_SCALE = Scale("layer", whole=True)
# L0s closer to each other than this ratio have too few round numbers between them for a logarithmic axis.
_FAR_APART = 4.0


def l0_scale(drawn: Sequence[Line]) -> Scale:
    """The axis of L0 that suits what is drawn."""
    values = [point.x for line in drawn for point in line.points if point.x > 0]
    return Scale("L0", "latents per token", logarithmic=bool(values) and max(values) > _FAR_APART * min(values))


def lines(
    rows: Sequence[Row],
    first: Trait,
    *others: Trait,
    x: str,
    y: str,
    interval: Interval | None = None,
    recipes: Recipes | None,
) -> tuple[Line, ...]:
    """One line for each value of ``first``, of those other traits in which the rows differ, and each recipe.

    SAEs whose recipe is not known are points that no line joins. ``recipes`` are those of the whole figure; None where
    its rows are no SAEs. Rows without a finite ``x`` or ``y`` are left out.
    """
    usable = [row for row in rows if _finite(row[x]) and _finite(row[y])]
    traits = [first, *(trait for trait in others if len({trait.order(row) for row in usable}) > 1)]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in usable:
        key = (*(trait.order(row) for trait in traits), 0 if recipes is None else recipes.number(row))
        groups.setdefault(key, []).append(row)
    drawn = []
    for key in sorted(groups):
        one = groups[key][0]
        names = [*(trait.text(one) for trait in traits), "" if recipes is None else recipes.text(one)]
        joined = recipes is None or recipes.is_known(one)
        drawn.append(Line(" · ".join(filter(None, names)), _points(groups[key], x, y, interval), joined=joined))
    return tuple(drawn)


def _points(rows: Sequence[Row], x: str, y: str, interval: Interval | None) -> tuple[Point, ...]:
    points = []
    for row in sorted(rows, key=lambda row: (row[x], row[y])):
        low, high = (interval(row) if interval is not None else None) or (None, None)
        points.append(Point(float(row[x]), float(row[y]), low, high, str(row["name"])))
    return tuple(points)


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
