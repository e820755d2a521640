"""Screen 1: which SAEs are there, and how good are they?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from saetui.commands.figures import ShowFigure
from saetui.commands.navigate import Open
from saetui.commands.select import Sae
from saetui.figures.charts import f1_against_width, fvu_against_width, rate_against_l0
from saetui.figures.lines import Row
from saetui.figures.plots import Chart
from saetui.tui.drawing.plots import XYPlot
from saetui.tui.explained import Explained
from saetui.tui.frame.empty_text import going_on
from saetui.tui.frame.screen import WorkbenchScreen
from saetui.tui.keys import bindings_of
from saetui.tui.overview.columns import COLUMNS
from saetui.tui.overview.manifest import MANIFEST
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.catalogue import SaeEntry
from saetui.workbench.screens import tables

TABLE = "overview.saes"
_EMPTY = """[b]No SAEs here yet.[/b]

[b $accent]A[/]  trains six on the embedded model and studies their letters and errors, some minutes in the background
[b $accent]:[/]  [b]run SPEC.toml[/b] submits a job of your own
[b $accent]7[/]  shows what runs
"""


@dataclass(frozen=True)
class _Plot:
    """A small plot: the figure that shows it large, its chart, and what stands on its axes."""

    figure: str
    chart: Callable[[Sequence[Row]], Chart]
    x: str
    y: str


_PLOTS = (
    _Plot("absorption_rate", rate_against_l0, "l0", "absorption_rate"),
    _Plot("error_scaling", fvu_against_width, "width", "fvu"),
    _Plot("letter_scores", f1_against_width, "width", "mean_letter_f1"),
)


class OverviewScreen(WorkbenchScreen):
    """Table of SAEs, and plots of how they compare."""

    MANIFEST = MANIFEST
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(MANIFEST.name)]
    DEFAULT_CSS = """
    OverviewScreen #overview-saes { max-height: 50%; }
    OverviewScreen #plots { height: 1fr; }
    OverviewScreen #plots XYPlot { margin-right: 1; }
    OverviewScreen.-narrow #letter_scores { display: none; }
    OverviewScreen #empty { display: none; height: 1fr; padding: 2 3; }
    OverviewScreen.-empty #empty { display: block; }
    OverviewScreen.-empty #overview-saes, OverviewScreen.-empty #plots { display: none; }
    """

    def compose_body(self) -> ComposeResult:
        yield Static(_EMPTY, id="empty")
        table = QueryTable(tables()[TABLE], COLUMNS, self.bench.table_parameters(TABLE), pinned=2)
        self._fit(table, len(self.bench.catalogue.saes))
        yield table
        with Horizontal(id="plots"):
            for spec in _PLOTS:
                plot = XYPlot(spec.chart(()), id=spec.figure, empty="not measured yet")
                plot.can_focus = True
                yield plot

    def attention_changed(self) -> None:
        table = self.query_one("#overview-saes", QueryTable)
        table.set_params(**self.bench.table_parameters(TABLE))
        if self.bench.attention.sae is not None:
            table.go_to_key(self.bench.attention.sae)
        self._draw()

    def jobs_changed(self) -> None:
        running = going_on(self.bench, {job.kind for job in self.bench.jobs})
        self.query_one("#empty", Static).update(Content.from_markup(_EMPTY) + running)

    def store_changed(self) -> None:
        self.set_class(not self.bench.catalogue.saes, "-empty")
        table = self.query_one("#overview-saes", QueryTable)
        table.set_marks(frozenset(s.key for s in self.bench.marks if s.kind == "sae"))
        if table.loaded:
            table.reload()
        self._draw()

    @on(QueryTable.Loaded)
    def _loaded(self, event: QueryTable.Loaded) -> None:
        self._fit(event.table, event.total)

    @on(QueryTable.RowHighlighted)
    def _moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(TABLE, event.row)
        if event.moved and event.row["sae_id"] != self.bench.attention.sae:
            self.dispatch(Sae(str(event.row["name"])), visit=False)

    @on(QueryTable.RowSelected)
    def _chosen(self, event: QueryTable.RowSelected) -> None:
        self.dispatch(Open(f"letters?sae={event.row['name']}"))

    @on(XYPlot.Enlarged)
    def _enlarged(self) -> None:
        figure = self.figure_in_focus()
        if figure is not None:
            self.dispatch(figure)

    def _draw(self) -> None:
        """The SAEs of the site that is looked at, with the current one standing out."""
        current = self.bench.catalogue.entry(self.bench.attention.sae)
        rows = [vars(sae) for sae in self.bench.catalogue.saes if current is None or _site(sae) == _site(current)]
        for spec in _PLOTS:
            plot = self.query_one(f"#{spec.figure}", XYPlot)
            plot.chart = spec.chart(rows)
            x, y = getattr(current, spec.x, None), getattr(current, spec.y, None)
            plot.highlight = None if x is None or y is None else (float(x), float(y))

    def figure_in_focus(self) -> ShowFigure | None:
        spec = self._spec_in_focus()
        return None if spec is None else ShowFigure(spec.figure, hook=self.bench.attention.hook or "")

    def _fit(self, table: QueryTable, rows: int) -> None:
        """No taller than its rows, labels and scrollbar: the plots take what is left."""
        self.give_size(table, height=rows + 3)

    def explained(self) -> list[Explained]:
        spec = self._spec_in_focus()
        if spec is None:
            return super().explained()
        current = self.bench.catalogue.entry(self.bench.attention.sae)
        if current is None:
            return [Explained(spec.y)]
        (column,) = (column for column in COLUMNS if column.key == spec.y)
        return [Explained(spec.y, column.written(getattr(current, spec.y)), current.name)]

    def _spec_in_focus(self) -> _Plot | None:
        return next((spec for spec in _PLOTS if self.focused is not None and self.focused.id == spec.figure), None)


def _site(sae: SaeEntry) -> tuple[str, str]:
    return sae.model_id, sae.hook_name
