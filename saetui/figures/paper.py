"""Figures on paper: drawn by matplotlib, written as SVG whose text stays text, or as PNG."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
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
    from matplotlib.backends.backend_agg import FigureCanvasAgg

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
        FigureCanvasAgg(sheet)
        sheet.savefig(buffer, format=format, dpi=ink.PNG_DPI, metadata=metadata)
    return buffer.getvalue()


def _sheet(figure: Figure) -> Sheet:
    """A sheet with the plots that have something on them, side by side and below each other."""
    from matplotlib.figure import Figure as Sheet

    plots = figure.drawn
    columns = min(figure.columns, len(plots))
    rows = -(-len(plots) // columns)
    legends = [_needs_legend(plots, index, columns) for index in range(len(plots))]
    sizes = [inches_of(plot, legend=legend) for plot, legend in zip(plots, legends, strict=True)]
    widths = [max(size[0] for size in sizes[column::columns]) for column in range(columns)]
    heights = [max(size[1] for size in sizes[row * columns : (row + 1) * columns]) for row in range(rows)]
    sheet = Sheet(figsize=(sum(widths), sum(heights)), layout="constrained")
    # The layout makes room for legends by itself; what it is told is how the axes compare.
    axes_widths = [
        max(inches_of(plot, legend=False)[0] for plot in plots[column::columns]) for column in range(columns)
    ]
    grid = sheet.add_gridspec(rows, columns, width_ratios=axes_widths, height_ratios=heights)
    for index, plot in enumerate(plots):
        axes = sheet.add_subplot(grid[index // columns, index % columns])
        draw_plot(axes, plot, legend=legends[index])
    return sheet


def _needs_legend(plots: Sequence[Plot], index: int, columns: int) -> bool:
    """Whether no plot further on in the row says the same."""
    row_end = min(len(plots), (index // columns + 1) * columns)
    return all(legend_of(plots[other]) != legend_of(plots[index]) for other in range(index + 1, row_end))
