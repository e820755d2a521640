"""Figures on paper: drawn by matplotlib, written as SVG whose text stays text, or as PNG."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from saetui.disk_errors import told
from saetui.figures import ink
from saetui.figures.axes import draw_plot, inches_of, legend_of
from saetui.figures.exceptions import FigureError
from saetui.figures.plots import Plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Sheet

    from saetui.figures.description import Figure

FORMATS = (".svg", ".png")


def save(figure: Figure, path: Path) -> Path:
    """Write a figure; the file appears whole or not at all. Raises FigureError as ``Figure.save`` says."""
    drawn = file_of(figure, path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(drawn)
        part.replace(path)
    except OSError as problem:
        raise FigureError(told(OSError(problem.errno, problem.strerror, str(path)))) from problem
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def file_of(figure: Figure, path: Path) -> bytes:
    """What the file at ``path`` is to have in it; raises FigureError as ``Figure.save`` says."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise FigureError(f"{path.name!r} must end in {' or '.join(FORMATS)}")
    if figure.is_empty:
        raise FigureError(f"{figure.name}: there is nothing to draw: {figure.advice}")
    if not path.parent.is_dir():
        raise FigureError(f"there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise FigureError(f"{path.parent} cannot be written to")
    return _drawn(figure, suffix.removeprefix("."))


def svg(figure: Figure) -> str:
    """A figure that is not empty as the text of an SVG file."""
    return _drawn(figure, "svg").decode()


def _drawn(figure: Figure, format: str) -> bytes:  # noqa: A002
    import matplotlib as mpl

    described = {"Title": figure.title, "Description": figure.note}
    # A date would make two files of the same figure differ.
    metadata = described | ({"Date": None} if format == "svg" else {})
    buffer = BytesIO()
    with mpl.rc_context(ink.STYLE), warnings.catch_warnings():
        # A name in a script that the font lacks has boxes in a PNG; an SVG keeps its text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        # Names as long as the sheet is wide leave no room for axes.
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        sheet = _sheet(figure)
        sheet.savefig(buffer, format=format, dpi=ink.PNG_DPI, metadata=metadata)
    return buffer.getvalue()


def _sheet(figure: Figure) -> Sheet:
    """A sheet with the plots that have something on them, side by side and below each other, and the caption below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Sheet

    plots = figure.drawn
    columns = _columns(figure)
    rows = -(-len(plots) // columns)
    legends = [_needs_legend(plots, index, columns) for index in range(len(plots))]
    widths, heights = _inches(plots, columns)
    width, height = min(ink.WIDEST, sum(widths)), min(ink.TALLEST, sum(heights))
    caption = wrap(f"{figure.title}. {figure.note}".strip(), max(20, int(width / ink.CAPTION_LETTER_INCHES)))
    below = ink.CAPTION_LINE_INCHES * (len(caption) + 1)
    sheet = Sheet(figsize=(width, height + below), layout="constrained")
    FigureCanvasAgg(sheet)
    engine = sheet.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0.0, below / (height + below), 1.0, height / (height + below)))  # type: ignore[call-arg]
    place = (0.06 / width, 0.06 / (height + below))
    sheet.text(*place, "\n".join(caption), fontsize=ink.CAPTION_SIZE, color=ink.GREY, va="bottom", ha="left")
    # The layout makes room for legends by itself; what it is told is how the axes compare.
    axes_widths = [
        max(inches_of(plot, legend=False)[0] for plot in plots[column::columns]) for column in range(columns)
    ]
    grid = sheet.add_gridspec(rows, columns, width_ratios=axes_widths, height_ratios=heights)
    later = []
    for index, plot in enumerate(plots):
        axes = sheet.add_subplot(grid[index // columns, index % columns])
        later.append(draw_plot(axes, plot, legend=legends[index]))
    if any(later):
        # Names are placed where the axes are in the end.
        sheet.draw_without_rendering()
        sheet.set_layout_engine("none")
        for place_names in filter(None, later):
            place_names()
    return sheet


def _columns(figure: Figure) -> int:
    """How many plots stand side by side: as many as belong there, more where the sheet would be too tall for a page."""
    plots = figure.drawn
    fewest = min(figure.columns, len(plots))
    for columns in range(fewest, len(plots) + 1):
        widths, heights = _inches(plots, columns)
        if columns > fewest and sum(widths) > ink.WIDEST:
            break
        if sum(heights) <= ink.TALLEST:
            return columns
        best = columns
    return best


def _inches(plots: Sequence[Plot], columns: int) -> tuple[list[float], list[float]]:
    """The widths of columns and the heights of rows of plots."""
    sizes = [inches_of(plot, legend=_needs_legend(plots, index, columns)) for index, plot in enumerate(plots)]
    rows = range(0, len(plots), columns)
    widths = [max(size[0] for size in sizes[column::columns]) for column in range(columns)]
    return widths, [max(size[1] for size in sizes[start : start + columns]) for start in rows]


def _needs_legend(plots: Sequence[Plot], index: int, columns: int) -> bool:
    """Whether no plot further on in the row says the same."""
    row_end = min(len(plots), (index // columns + 1) * columns)
    return all(legend_of(plots[other]) != legend_of(plots[index]) for other in range(index + 1, row_end))
