"""Screen 1: which SAEs are there, and how good are they?"""

import math
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from saetui.commands.catalogue import SaeEntry
from saetui.commands.navigate import Open
from saetui.commands.select import Sae
from saetui.tui.frame.status_line import progress_text
from saetui.tui.keys import bindings_of
from saetui.tui.screens.base import WorkbenchScreen
from saetui.tui.screens.overview_columns import COLUMNS
from saetui.tui.widgets.plots import Series, XYPlot
from saetui.tui.widgets.query_table import QueryTable

TABLE = "overview.saes"
_EMPTY = """[b]No SAEs here yet.[/b]

[b $accent]D[/]  trains three on the embedded model and finds the letters they claim, a few minutes in the background
[b $accent]:[/]  [b]run SPEC.toml[/b] submits a job of your own
[b $accent]7[/]  shows what runs
"""
# What is drawn against the width: column, title, and whether the axis begins at zero.
_PLOTS = (
    ("fvu", "FVU against width", False),
    ("l0", "L0 against width", True),
    ("mean_letter_f1", "mean letter F1 against width", False),
)


class OverviewScreen(WorkbenchScreen):
    """Table of SAEs, and plots of how they compare."""

    NAME = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("overview")]
    DEFAULT_CSS = """
    OverviewScreen #overview-saes { max-height: 50%; }
    OverviewScreen #plots { height: 1fr; }
    OverviewScreen #plots XYPlot { margin-right: 1; }
    OverviewScreen #empty { display: none; height: 1fr; padding: 2 3; }
    OverviewScreen.-empty #empty { display: block; }
    OverviewScreen.-empty #overview-saes, OverviewScreen.-empty #plots { display: none; }
    """

    def compose_body(self) -> ComposeResult:
        yield Static(_EMPTY, id="empty")
        parameters = self.bench.parameters("overview")
        table = QueryTable("overview", parameters, COLUMNS, "sae_id", title="SAEs", id="overview-saes", pinned=2)
        _fit(table, len(self.bench.catalogue.saes))
        yield table
        with Horizontal(id="plots"):
            for column, title, from_zero in _PLOTS:
                plot = XYPlot(title, log_x=True, from_zero=from_zero, id=f"plot-{column}", empty="not measured yet")
                plot.can_focus = True
                yield plot

    def attention_changed(self) -> None:
        table = self.query_one("#overview-saes", QueryTable)
        table.set_params(**self.bench.parameters("overview"))
        if self.bench.attention.sae is not None:
            table.go_to_key(self.bench.attention.sae)
        self._highlight()

    def jobs_changed(self) -> None:
        running = [job for job in self.bench.jobs if job.state == "running"]
        going_on = (
            Content.from_markup("\n[b]$title[/b]  $far", title=running[0].title, far=progress_text(running[0]))
            if running
            else Content()
        )
        self.query_one("#empty", Static).update(Content.from_markup(_EMPTY) + going_on)

    def store_changed(self) -> None:
        self.set_class(not self.bench.catalogue.saes, "-empty")
        table = self.query_one("#overview-saes", QueryTable)
        table.set_marks(frozenset(s.key for s in self.bench.marks if s.kind == "sae"))
        if table.loaded:
            table.reload()
        self._draw()

    @on(QueryTable.Loaded)
    def _loaded(self, event: QueryTable.Loaded) -> None:
        _fit(event.table, event.total)

    @on(QueryTable.RowHighlighted)
    def _moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(TABLE, event.row)
        if event.row["sae_id"] != self.bench.attention.sae:
            self.dispatch(Sae(str(event.row["name"])), visit=False)

    @on(QueryTable.RowSelected)
    def _chosen(self, event: QueryTable.RowSelected) -> None:
        self.dispatch(Open(f"letters?sae={event.row['name']}"))

    def _draw(self) -> None:
        for column, _, _ in _PLOTS:
            self.query_one(f"#plot-{column}", XYPlot).set_series(_series(self.bench.catalogue.saes, column))
        self._highlight()

    def _highlight(self) -> None:
        entry = self.bench.catalogue.entry(self.bench.attention.sae)
        for column, _, _ in _PLOTS:
            value = getattr(entry, column) if entry is not None else None
            point = (float(entry.width), float(value)) if entry is not None and value is not None else None
            self.query_one(f"#plot-{column}", XYPlot).highlight = point

    def explain(self) -> str | None:
        focused = self.focused
        if isinstance(focused, XYPlot):
            return (focused.id or "").removeprefix("plot-")
        return super().explain()


def _fit(table: QueryTable, rows: int) -> None:
    """No taller than its rows, labels and scrollbar: the plots take what is left."""
    table.styles.height = rows + 3


def _series(saes: Sequence[SaeEntry], column: str) -> list[Series]:
    """One line for each architecture and k, from narrow to wide."""
    groups: dict[str, list[tuple[float, float]]] = {}
    for sae in sorted(saes, key=lambda sae: sae.width):
        value = getattr(sae, column)
        if value is not None and math.isfinite(value):
            name = sae.architecture + (f" k {sae.k:g}" if sae.k is not None else "")
            groups.setdefault(name, []).append((float(sae.width), float(value)))
    return [Series(name, points) for name, points in groups.items()]
