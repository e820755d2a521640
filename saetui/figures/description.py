"""A figure as data: its plots, the query they come from, and what a caption must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from saetui.figures.plots import BarChart, Plot, Shown


@dataclass(frozen=True)
class Figure(Shown):
    """Plots that answer one question, and the query they come from.

    ``note`` says what a caption must: whose numbers, which intervals, which thresholds. ``advice`` says what to do
    where there is nothing to draw. ``columns`` is how many plots stand side by side where there is room.
    """

    # The query stays as it runs.
    _EXACT: ClassVar[frozenset[str]] = frozenset({"sql"})
    _LINES: ClassVar[frozenset[str]] = frozenset({"note", "advice"})

    name: str
    title: str
    plots: tuple[Plot, ...]
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    advice: str = ""
    columns: int = 1

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw at all."""
        return not self.drawn

    @property
    def drawn(self) -> list[Plot]:
        """The plots that have something on them, without names of bars that no row has a value for."""
        return [plot.known if isinstance(plot, BarChart) else plot for plot in self.plots if not plot.is_empty]

    def save(self, path: Path | str) -> Path:
        """Write the figure as .svg (text stays text) or .png (300 dpi); gives back the path.

        Raises FigureError naming the path where its ending is another, its folder cannot be written to, or there is
        nothing to draw.
        """
        from saetui.figures.paper import save

        return save(self, Path(path))

    def _repr_svg_(self) -> str | None:
        """What a notebook shows; None where there is nothing to draw."""
        from saetui.figures.paper import svg

        return None if self.is_empty else svg(self)
