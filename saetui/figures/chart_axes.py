"""A chart on matplotlib's axes: its lines, told apart in more than colour, and names beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeGuard

from saetui.figures import ink
from saetui.figures.places import Box, free_places, spread
from saetui.figures.plots import Chart, Line, Plot, Scale
from saetui.figures.ticks import log_ticks, tick_labels

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox, Transform

_MOST_TICKS = 7
# So many names have room at the ends of lines.
_MOST_AT_ENDS = 12
# Where they begin, in widths of the axes.
_NAMES_AT = 1.05
# Points that are nearer than this part of the axis hide each other.
_NEAR = 0.04
_SPOTS = 8
# Around a point: how far away its name may be, in points, and in which directions, those that read best first.
_DISTANCES = (4.0, 9.0, 16.0, 24.0, 34.0, 46.0, 60.0)
_DIRECTIONS = (0, 180, 45, -45, 135, -135, 90, -90, 20, -20, 160, -160, 70, -70, 110, -110)
_WITH_LEADER = 8.0


def has_names_at_ends(plot: Plot) -> TypeGuard[Chart]:
    """Whether the names of the lines stand at their ends, and no legend says them."""
    return isinstance(plot, Chart) and plot.is_of_curves and 1 < len(plot.lines) <= _MOST_AT_ENDS


def draw_chart(axes: Axes, chart: Chart, *, legend: bool) -> Callable[[], None] | None:
    """Draw lines, scales and ``legend``; gives back what places names once the axes have their size, if there are."""
    styles = list(_styles(chart))
    steps = chart.steps(_NEAR)
    size = min(ink.ASIDE, ink.MOST_ASIDE / max(1.0, *map(abs, steps), 1.0))
    for line, style, step in zip(chart.lines, styles, steps, strict=True):
        _draw_line(axes, line, style, size * step)
    _scale_x(axes, chart.x, chart.places)
    axes.set_ylabel(chart.y.text)
    if chart.y.logarithmic:
        axes.set_yscale("log")
        ticks = log_ticks(*axes.get_ylim(), _MOST_TICKS)
        axes.set_yticks(ticks, tick_labels(ticks, separated=True))
        axes.set_yticks([], minor=True)
    if chart.y.from_zero:
        axes.set_ylim(bottom=0.0)
    axes.grid(True)
    if has_names_at_ends(chart):
        return _name_ends(axes, chart, styles)
    if legend:
        axes.legend(title=chart.key or None, loc="upper left", bbox_to_anchor=(1.0, 1.04), alignment="left")
    return _name_points(axes, chart, styles) if chart.named else None


def _styles(chart: Chart) -> Iterator[dict[str, Any]]:
    """How each line is drawn: no two of many look alike, as colours, markers and dashes go round at different paces."""
    references = 0
    for index, line in enumerate(chart.lines):
        if line.reference:
            dashes = ink.REFERENCE_DASHES[references % len(ink.REFERENCE_DASHES)]
            # What is compared with a reference lies over it.
            style: dict[str, Any] = {**ink.REFERENCE, "linestyle": dashes, "zorder": 2.5}
            references += 1
        else:
            # A few curves, which have few markers, have dashes of their own as well.
            few = not line.marked and len(chart.lines) <= len(ink.DASHES)
            dash = index if few else index // len(ink.COLOURS)
            style = {
                "color": ink.COLOURS[index % len(ink.COLOURS)],
                "linestyle": ink.DASHES[dash % len(ink.DASHES)],
                "marker": ink.MARKERS[index % len(ink.MARKERS)],
                "markeredgecolor": "white",
                "markeredgewidth": 0.4,
                "zorder": 3,
            }
        if not line.marked and (line.reference or not chart.is_of_curves):
            style["marker"] = "none"
        elif not line.marked:
            style["linewidth"] = ink.CURVE_WIDTH
            style["markevery"] = list(chart.spots(index, _SPOTS))
        if not line.joined:
            style["linestyle"] = "none"
        yield style


def _draw_line(axes: Axes, line: Line, style: dict[str, Any], aside: float) -> None:
    """Draw a line ``aside`` (points) from where it is."""
    x, y = [point.x for point in line.points], [point.y for point in line.points]
    # A marker on the axis is drawn whole.
    drawn: list[Artist] = [*axes.plot(x, y, label=line.name, clip_on=False, **style)]
    for point in line.points:
        if point.low is not None and point.high is not None:
            colour = style["color"]
            drawn.append(axes.vlines(point.x, point.low, point.high, colour, linewidth=0.8, alpha=0.6, zorder=3.5))
    # Moved only now, so that the axes are as wide as the values are.
    for part in drawn if aside else ():
        part.set_transform(_moved(axes, aside))


def _moved(axes: Axes, aside: float) -> Transform:
    from matplotlib.transforms import ScaledTranslation

    figure = axes.get_figure(root=True)
    assert figure is not None
    return axes.transData + ScaledTranslation(aside / 72, 0.0, figure.dpi_scale_trans)


def _scale_x(axes: Axes, scale: Scale, values: Sequence[float]) -> None:
    """Label, scale and ticks; where the values are few they are the ticks."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(scale.text)
    distinct = sorted(set(values))
    if len(distinct) == 1 and not (scale.whole or scale.logarithmic):
        axes.set_xticks(distinct, tick_labels(distinct, separated=True))
    if scale.whole:
        axes.set_xlim(distinct[0] - 0.5, distinct[-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if not scale.logarithmic:
        return
    axes.set_xscale("log")
    if len(distinct) == 1:
        axes.set_xlim(distinct[0] / 2, distinct[0] * 2)
    low, high = axes.get_xlim()
    few = len(distinct) <= _MOST_TICKS and _are_apart(distinct)
    ticks = distinct if few else log_ticks(low, high, _MOST_TICKS)
    axes.set_xticks(ticks, tick_labels(ticks, separated=True))
    axes.set_xticks([], minor=True)
    axes.set_xlim(low, high)


def _are_apart(values: Sequence[float]) -> bool:
    """Whether labels at these places of a logarithmic axis keep clear of each other."""
    if values[0] <= 0:
        return False
    logs = [math.log(value) for value in values]
    return all(b - a > (logs[-1] - logs[0]) / _MOST_TICKS for a, b in pairwise(logs))


def _name_ends(axes: Axes, chart: Chart, styles: Sequence[dict[str, Any]]) -> Callable[[], None]:
    """Write each line's name to the right of its end; what is given back moves them apart."""
    named = [(line, style) for line, style in zip(chart.lines, styles, strict=True) if line.points]
    last = [line.points[-1] for line, _ in named]
    names = [
        axes.annotate(
            line.name,
            (point.x, point.y),
            (_NAMES_AT, 0.5),
            textcoords="axes fraction",
            color=ink.darker(style["color"]),
            fontsize=ink.NAME_SIZE,
            va="center",
            annotation_clip=False,
            arrowprops=_leader(style["color"], relpos=(0.0, 0.5)),
        )
        for (line, style), point in zip(named, last, strict=True)
    ]
    # Each with its line's marker, as in a legend.
    signs = [
        axes.plot([_NAMES_AT - 0.01], [0.5], transform=axes.transAxes, clip_on=False, **{**style, "markevery": None})[0]
        for _, style in named
    ]
    return partial(_spread_ends, axes, names, signs)


def _leader(colour: str, **further: Any) -> dict[str, Any]:
    """The thin line from a name to what it names."""
    return {"arrowstyle": "-", "color": colour, "linewidth": 0.4, "shrinkA": 1, "shrinkB": 2, **further}


def _extent(name: Annotation) -> Bbox:
    """Where a name is, without the line that leads to it."""
    from matplotlib.text import Text

    return Text.get_window_extent(name)


def _spread_ends(axes: Axes, names: Sequence[Annotation], signs: Sequence[Line2D]) -> None:
    height = axes.get_window_extent().height
    tallest = max(_extent(name).height for name in names)
    ends = [axes.transAxes.inverted().transform(axes.transData.transform(name.xy))[1] for name in names]
    for name, sign, place in zip(names, signs, spread(ends, 1.05 * tallest / height, 0.0, 1.0), strict=True):
        name.set_position((_NAMES_AT, place))
        sign.set_ydata([place])


def _name_points(axes: Axes, chart: Chart, styles: Sequence[dict[str, Any]]) -> Callable[[], None]:
    """Write each point's label; what is given back places them beside the points."""
    names = [
        axes.annotate(
            point.label,
            (point.x, point.y),
            (0.0, 0.0),
            textcoords="offset points",
            color=ink.darker(style["color"]),
            fontsize=ink.NAME_SIZE,
            ha="center",
            va="center",
            zorder=4,
            arrowprops=_leader(style["color"]),
        )
        for line, style in zip(chart.lines, styles, strict=True)
        for point in line.points
        if point.label
    ]
    for name in names:
        name.set_in_layout(False)
    return partial(_place_points, axes, chart, names)


def _place_points(axes: Axes, chart: Chart, names: Sequence[Annotation]) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None
    unit = figure.dpi / 72
    to_pixels = axes.transData.transform
    taken, better_free = [], []
    for line in chart.lines:
        places = [tuple(to_pixels((point.x, point.y))) for point in line.points]
        if line.marked:
            taken += [Box(x - 2.5 * unit, y - 2.5 * unit, x + 2.5 * unit, y + 2.5 * unit) for x, y in places]
        if line.joined:
            better_free += _along(places, 2 * unit)
        for point in line.points:
            (x, low), (_, high) = (to_pixels((point.x, end)) for end in point.ends)
            better_free.append(Box(x - unit, low, x + unit, high))
    whole = axes.get_window_extent()
    inside = Box(whole.x0, whole.y0, whole.x1, whole.y1)
    offsets = [(distance, math.radians(angle)) for distance in _DISTANCES for angle in _DIRECTIONS]
    boxes = []
    for name in names:
        x, y = to_pixels(name.xy)
        extent = _extent(name)
        boxes.append([_box_at(x, y, extent.width, extent.height, unit * far, angle) for far, angle in offsets])
    for name, found, places_of in zip(names, free_places(boxes, inside, taken, better_free), boxes, strict=True):
        place = places_of[found if found is not None else 0]
        x, y = to_pixels(name.xy)
        name.set_position((((place.left + place.right) / 2 - x) / unit, ((place.low + place.high) / 2 - y) / unit))
        if found is None or offsets[found][0] < _WITH_LEADER:
            name.arrow_patch.set_visible(False)  # type: ignore[union-attr]


def _box_at(x: float, y: float, width: float, height: float, distance: float, angle: float) -> Box:
    """The box of a name whose nearest edge is ``distance`` away from a point."""
    middle_x = x + math.cos(angle) * (distance + width / 2)
    middle_y = y + math.sin(angle) * (distance + height / 2)
    return Box(middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2)


def _along(places: Sequence[tuple[float, float]], size: float) -> list[Box]:
    """Small boxes that cover the straight lines between places."""
    boxes = []
    for (x0, y0), (x1, y1) in pairwise(places):
        count = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / size))
        for step in range(count + 1):
            x, y = x0 + (x1 - x0) * step / count, y0 + (y1 - y0) * step / count
            boxes.append(Box(x - size / 2, y - size / 2, x + size / 2, y + size / 2))
    return boxes
