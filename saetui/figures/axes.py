"""One plot on matplotlib's axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from saetui.figures import ink
from saetui.figures.chart_axes import draw_chart, has_names_at_ends
from saetui.figures.plots import BarChart, Chart, HeatMap, Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def inches_of(plot: Plot, *, legend: bool = True) -> tuple[float, float]:
    """Width and height that a plot wants, its labels and ``legend`` included."""
    width, height = ink.PLOT_INCHES
    if isinstance(plot, HeatMap):
        labels = ink.LETTER_INCHES * max(map(len, plot.rows))
        cells, title = ink.CELL_INCHES * len(plot.columns), ink.LETTER_INCHES * len(plot.title)
        return max(width, labels + 0.9 + max(cells, title)), 0.7 + _heads(plot) + ink.CELL_INCHES * len(plot.rows)
    if isinstance(plot, BarChart):
        labels = ink.LETTER_INCHES * max(len(f"{bar.label} {bar.note}") for bar in plot.bars)
        rows = (1 if plot.stacked else len(plot.names)) + 0.4
        names = ink.LEGEND_LINE_INCHES * -(-len(plot.names) // _names_on_a_line(plot))
        # Titles and what is measured begin where the labels end, and are not cut.
        words = ink.TITLE_LETTER_INCHES * max(len(plot.title), len(plot.scale.text))
        return labels + max(width, words), 0.75 + names + ink.BAR_INCHES * rows * len(plot.bars)
    if plot.named and sum(len(line.points) for line in plot.lines) > ink.FEW_NAMES:
        width, height = ink.NAMED_INCHES
    title = ink.NARROW_LETTER_INCHES * len(plot.title) + ink.MARGIN_INCHES
    width = max(width, title, ink.CURVES_INCHES if plot.is_of_curves else 0.0)
    if has_names_at_ends(plot):
        longest = max(len(line.name) for line in plot.lines)
        return width + ink.LETTER_INCHES * longest + ink.LEADER_INCHES, height
    if not legend or not legend_of(plot):
        return width, height
    return width + ink.LEGEND_INCHES, max(height, 0.5 + ink.LEGEND_LINE_INCHES * len(plot.lines))


def _heads(plot: HeatMap) -> float:
    """Inches that upright names of columns take, 0 where they lie flat."""
    longest = max(map(len, plot.columns))
    return ink.LETTER_INCHES * longest if longest > ink.LONGEST_FLAT else 0.0


def _names_on_a_line(chart: BarChart) -> int:
    """How many names of bars stand side by side above them."""
    each = 0.5 + ink.LETTER_INCHES * max(map(len, chart.names))
    return max(1, min(len(chart.names), int((ink.PLOT_INCHES[0] + 0.5) / each)))


def draw_plot(axes: Axes, plot: Plot, *, legend: bool = True) -> Callable[[], None] | None:
    """Draw a plot with its title, axes and ``legend``.

    Gives back what is left to do when the sheet is laid out, where there is anything: names find their places.
    """
    axes.set_title(plot.title)
    if isinstance(plot, Chart):
        return draw_chart(axes, plot, legend=legend and bool(legend_of(plot)))
    if isinstance(plot, BarChart):
        _draw_bars(axes, plot)
    else:
        _draw_cells(axes, plot)
    return None


def legend_of(plot: Plot) -> tuple[str, ...]:
    """What the legend of a chart says; nothing for plots whose names stand elsewhere."""
    if not isinstance(plot, Chart) or (not plot.key and len(plot.lines) == 1) or has_names_at_ends(plot):
        return ()
    return (plot.key, *(line.name for line in plot.lines))


def _draw_bars(axes: Axes, chart: BarChart) -> None:
    thickness = 0.8 if chart.stacked else 0.8 / len(chart.names)
    starts = [0.0] * len(chart.bars)
    # Where nothing goes to the right of zero, the axes end there.
    side = 1 if any(value > 0 for bar in chart.bars for value in bar.values if value is not None) else -1
    aligned = "left" if side > 0 else "right"
    for index, name in enumerate(chart.names):
        aside = 0.0 if chart.stacked else (index - (len(chart.names) - 1) / 2) * thickness
        drawn = [(row, value) for row, bar in enumerate(chart.bars) if (value := bar.values[index]) is not None]
        colour, hatch = ink.FILLS[index % len(ink.FILLS)]
        axes.barh(
            [row + aside for row, _ in drawn],
            [value for _, value in drawn],
            thickness * 0.9,
            left=[starts[row] for row, _ in drawn],
            label=name,
            facecolor=colour,
            edgecolor="black",
            linewidth=0.5,
            hatch=hatch,
        )
        missing = [row for row, bar in enumerate(chart.bars) if bar.values[index] is None]
        for row in () if chart.stacked else missing:
            # What was not measured looks other than zero.
            axes.annotate("–", (0.0, row + aside), (2 * side, 0), textcoords="offset points", ha=aligned, **ink.MISSING)
        for row, value in drawn:
            ends = chart.bars[row].ends(index)
            if ends is not None:
                # White around the black, so that it is visible on dark bars.
                axes.hlines(row + aside, *ends, "white", linewidth=2.2, zorder=3)
                axes.hlines(row + aside, *ends, "black", linewidth=0.9, zorder=4)
            if chart.stacked:
                starts[row] += value
    axes.set_yticks(range(len(chart.bars)), [" ".join(filter(None, (bar.label, bar.note))) for bar in chart.bars])
    axes.set_ylabel(chart.label)
    axes.set_xlabel(chart.scale.text)
    # Rows without any value have their place, too.
    axes.set_ylim(len(chart.bars) - 0.5, -0.5)
    axes.axvline(0.0, color="black", linewidth=0.6)
    axes.grid(True, axis="x")
    if any(chart.names):
        columns = _names_on_a_line(chart)
        axes.set_title(chart.title, pad=6 + 72 * ink.LEGEND_LINE_INCHES * -(-len(chart.names) // columns))
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, borderaxespad=0.1)


def _draw_cells(axes: Axes, plot: HeatMap) -> None:
    import numpy as np

    values = np.array([[np.nan if value is None else value for value in row] for row in plot.values], dtype=float)
    coloured = values.copy()
    for row, column in plot.pale:
        coloured[row, column] = np.nan
    cells = axes.pcolormesh(coloured, cmap=ink.COLOUR_MAP, vmin=0.0, vmax=plot.high, edgecolors="white", linewidth=0.8)
    # At the left, where its title begins, which may be longer than the cells are wide.
    axes.set_aspect("equal", anchor="NW")
    axes.invert_yaxis()
    for (row, column), value in np.ndenumerate(values):
        text = "–" if math.isnan(value) else f"{100 * value:.0f}"
        colour = "white" if value > plot.high / 2 else "black"
        colour = ink.PALE if (row, column) in plot.pale else colour
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=5.5, color=colour)
    axes.set_xticks(np.arange(len(plot.columns)) + 0.5, plot.columns, rotation=90 if _heads(plot) else 0)
    axes.set_yticks(np.arange(len(plot.rows)) + 0.5, plot.rows)
    axes.tick_params(length=0)
    axes.set_xlabel(plot.column_label)
    axes.set_ylabel(plot.row_label)
    axes.spines[:].set_visible(False)
    # Beside the cells, and no taller than they are, however few rows there are.
    height = min(1.0, ink.SCALE_ROWS / len(plot.rows))
    scale = axes.inset_axes((1.0 + 0.3 / len(plot.columns), 1.0 - height, 0.35 / len(plot.columns), height))
    axes.figure.colorbar(cells, cax=scale, ticks=[0.0, plot.high], format=lambda value, _: f"{100 * value:.0f} %")
    scale.spines[:].set_visible(False)
    scale.tick_params(length=0)
