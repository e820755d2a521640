"""Screen 5: could a better encoder have done it?"""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from saetui.commands.jobs import running_job
from saetui.commands.navigate import Focus
from saetui.commands.pursuit import LATENTS, RUNS, TOKENS, LookAtPursued, LookAtPursuit
from saetui.commands.select import Latent
from saetui.tui.drawing.plots import XYPlot
from saetui.tui.explained import Explained
from saetui.tui.frame.status_line import progress_text
from saetui.tui.frame.study import StudyScreen
from saetui.tui.keys import bindings_of
from saetui.tui.pursuit import columns
from saetui.tui.pursuit.manifest import MANIFEST
from saetui.tui.pursuit.residual_plot import ResidualPlot
from saetui.tui.pursuit.text import next_pursuit, outcome
from saetui.tui.table.query_table import QueryTable
from saetui.visible import visible
from saetui.workbench.subject import Subject

_EMPTY = """[b]No codes have been pursued here yet.[/b]

A pursuit takes tokens and finds for each the latents that explain it best, as many as the SAE's own encoder used.
No encoder of that kind could have found what is still left: the dictionary lacks it.

[b $accent]W[/]  chooses the tokens: the hardest ones, the missed words of a letter, those marked, or random ones
[b $accent]p[/]  pursues them in the current SAE, in seconds
[b $accent]1[/]  [b $accent]A[/]  trains six SAEs on the embedded model first, where there are none
"""


class PursuitScreen(StudyScreen):
    """Pursuits, the residual against the number of latents, the tokens of one pursuit, and the latents of one token."""

    MANIFEST = MANIFEST
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "card", "Show the latents of the token", show=False),
        Binding("escape", "close", "Close the latents", show=False),
        *bindings_of(MANIFEST.name),
    ]
    DEFAULT_CSS = """
    PursuitScreen #pursuit-empty { display: none; height: auto; padding: 2 3; }
    PursuitScreen.-empty #pursuit-empty { display: block; }
    PursuitScreen.-empty #pursuit-upper, PursuitScreen.-empty #pursuit-lower { display: none; }
    PursuitScreen.-empty #pursuit-outcome { display: none; }
    PursuitScreen #pursuit-next { height: 1; }
    PursuitScreen #pursuit-outcome { height: 6; }
    PursuitScreen #pursuit-upper { height: 13; max-height: 34%; }
    PursuitScreen #pursuit-runs { width: 3fr; margin-right: 1; }
    PursuitScreen #pursuit-residual { width: 2fr; height: 100%; }
    PursuitScreen #pursuit-lower { height: 1fr; }
    PursuitScreen #pursuit-tokens { width: 2fr; }
    PursuitScreen #pursuit-latents { width: 1fr; min-width: 44; margin-left: 1; }
    PursuitScreen.-narrow #pursuit-runs { width: 46; }
    PursuitScreen.-narrow #pursuit-residual { width: 1fr; }
    PursuitScreen.-narrow #pursuit-latents { display: none; width: 1fr; margin-left: 0; }
    PursuitScreen.-narrow.-card #pursuit-latents { display: block; }
    PursuitScreen.-narrow.-card #pursuit-tokens { display: none; }
    """

    def compose_body(self) -> ComposeResult:
        bench = self.bench
        yield Static(id="pursuit-next")
        yield Static(_EMPTY, id="pursuit-empty")
        with Horizontal(id="pursuit-upper"):
            yield self.table_widget(RUNS, columns.runs("normal"))
            plot = ResidualPlot(bench.store.reader(), id="pursuit-residual")
            plot.can_focus = True
            yield plot
        yield Static(id="pursuit-outcome")
        with Horizontal(id="pursuit-lower"):
            yield self.table_widget(TOKENS, columns.tokens("normal", beside=False))
            yield self.table_widget(LATENTS, columns.latents("normal", 0.0), pinned=2, counted=False)

    @property
    def runs(self) -> QueryTable:
        return self.query_one("#pursuit-runs", QueryTable)

    @property
    def tokens(self) -> QueryTable:
        return self.query_one("#pursuit-tokens", QueryTable)

    @property
    def latents(self) -> QueryTable:
        return self.query_one("#pursuit-latents", QueryTable)

    @property
    def plot(self) -> ResidualPlot:
        return self.query_one("#pursuit-residual", ResidualPlot)

    # What is looked at

    def attention_changed(self) -> None:
        before, now = self.look()
        if (before.beside is None) != (now.beside is None):
            self._lay_out_columns()
        if (before.pursuit, before.sae) != (now.pursuit, now.sae) and now.pursued is None:
            self.tokens.reset_cursor()
        if before.pursued != now.pursued:
            self.latents.reset_cursor()
        self.ask(self.tokens)
        if now.pursued is not None:
            self.follow(self.tokens, now.pursued)
        self.ask(self.latents)
        self.plot.show(self.bench.parameters("pursuit_residual"))
        self._go_to_run()
        self._show_marks()
        self._tell()

    def _run(self) -> Mapping[str, Any] | None:
        """The row of the pursuit that is looked at: the one chosen, or else the latest of the SAE."""
        attention = self.bench.attention
        for row in self.rows(self.runs):
            if row["pursuit_id"] == attention.pursuit or (attention.pursuit is None and row["sae_id"] == attention.sae):
                return row
        return None

    def _go_to_run(self) -> None:
        run = self._run()
        sae = self.bench.attention.sae
        if run is not None:
            self.follow(self.runs, run["pursuit_id"])
        elif sae is not None and self.runs.loaded and self.runs.total:
            # The cursor stands on no other SAE's pursuit: "=" and notes would be about that one.
            self.follow(self.runs, f"none of {sae}")

    def store_changed(self) -> None:
        self.set_class(not self.bench.catalogue.has_pursuits, "-empty")
        for table in (self.runs, self.tokens, self.latents):
            table.reload()
        self.plot.show(self.bench.parameters("pursuit_residual"), again=True)
        self._show_marks()
        self._tell()

    def jobs_changed(self) -> None:
        """How far the running pursuit is, and its residual so far."""
        job = running_job(self.bench, MANIFEST.kinds)
        residual = job.progress.metrics.get("residual") if job is not None and job.progress is not None else None
        self.plot.follow(str(residual) if residual is not None else None)
        self._tell()

    def _show_marks(self) -> None:
        marks, sae = self.bench.marks, self.bench.attention.sae
        self.runs.set_marks(frozenset())
        rows = self.rows(self.tokens)
        self.tokens.set_marks(frozenset(row["row"] for row in rows if Subject.of_row("place", row, sae=sae) in marks))
        self.latents.set_marks(self.marked_latents())

    # Cursors

    @on(QueryTable.RowHighlighted, "#pursuit-runs")
    def _run_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(RUNS, event.row)
        if event.moved and event.key != self.bench.attention.pursuit:
            self.choose(event, LookAtPursuit(str(event.key)))

    @on(QueryTable.RowHighlighted, "#pursuit-tokens")
    def _token_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(TOKENS, event.row)
        if event.table.up_to_date and event.moved and event.key != self.bench.attention.pursued:
            self.choose(event, LookAtPursued(int(event.key)))

    @on(QueryTable.RowHighlighted, "#pursuit-latents")
    def _latent_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(LATENTS, event.row)
        here = event.table.up_to_date and event.moved and event.table.has_focus
        if here and event.key != self.bench.attention.latent:
            self.choose(event, Latent(int(event.key)))

    @on(QueryTable.RowSelected, "#pursuit-runs")
    def _run_chosen(self, event: QueryTable.RowSelected) -> None:
        self.choose_for_all(LookAtPursuit(str(event.key)), pursuit=event.key)
        self.dispatch(Focus(TOKENS))

    @on(QueryTable.RowSelected, "#pursuit-tokens")
    def _token_chosen(self, event: QueryTable.RowSelected) -> None:
        if event.table.up_to_date:
            self.choose_for_all(LookAtPursued(int(event.key)), pursued=event.key)
        self.action_card()

    @on(QueryTable.RowSelected, "#pursuit-latents")
    def _latent_chosen(self) -> None:
        self.dispatch("inspect")

    @on(XYPlot.Enlarged)
    def _plot_enlarged(self) -> None:
        self.dispatch("zoom")

    # Rows that have arrived

    @on(QueryTable.Loaded, "#pursuit-runs")
    def _runs_loaded(self) -> None:
        self._go_to_run()
        self._tell()

    @on(QueryTable.Loaded, "#pursuit-tokens")
    def _tokens_loaded(self) -> None:
        self._show_marks()
        self._tell()

    @on(QueryTable.Loaded, "#pursuit-latents")
    def _latents_loaded(self, event: QueryTable.Loaded) -> None:
        rows = self.rows(event.table)
        largest = max((max(row["activation_before"], row["activation_after"]) for row in rows), default=0.0)
        event.table.set_columns(columns.latents(self.breadth, largest))
        counts = [(name, sum(row["role"] == name for row in rows)) for name in ("kept", "dropped", "added")]
        said = " · ".join(f"{count} {name}" for name, count in counts)
        event.table.title = Content.assemble(
            f"latents  {said}  ", ("■", "#2f7fd6"), " before ", ("■", "$warning"), " after"
        )

    # What is said

    def _tell(self) -> None:
        """The next pursuit, and the outcome of the one that is looked at."""
        bench = self.bench
        entry = bench.catalogue.entry(bench.attention.sae)
        job = running_job(bench, MANIFEST.kinds)
        doing = f"{visible(job.title)}  {progress_text(job)}" if job is not None else ""
        self.query_one("#pursuit-next", Static).update(
            next_pursuit(bench.attention, visible(entry.name) if entry is not None else "no SAE", doing)
        )
        width = max(20, self.size.width - 2)
        lines = outcome(self._run(), width, self.rows(self.runs))
        if not lines and entry is not None and self.runs.loaded:
            lines = [
                Content.styled(f"no pursuit of {visible(entry.name)} yet: p pursues, or choose one above", "$muted")
            ]
        self.query_one("#pursuit-outcome", Static).update(Content("\n").join(lines))

    # Folding

    def action_card(self) -> None:
        """Go to the latents, or back; on a narrow terminal they take the place of the tokens."""
        if self.latents.has_focus:
            self.action_close()
            return
        self.add_class("-card")
        self.dispatch(Focus(LATENTS))

    def action_close(self) -> None:
        if not self.latents.has_focus:
            raise SkipAction
        if self.workbench_app.halt_reads():
            return
        self.remove_class("-card")
        self.dispatch(Focus(TOKENS))

    def on_resize(self, event: events.Resize) -> None:
        if self.is_whole and event.size.width:
            self._lay_out_columns()
            self._tell()

    def _lay_out_columns(self) -> None:
        kind = self.breadth
        self.runs.set_columns(columns.runs(kind))
        self.tokens.set_columns(columns.tokens(kind, beside=self.bench.attention.beside is not None))
        self.latents.set_columns(columns.latents(kind, 0.0))
        self.latents.reload()

    def explained(self) -> list[Explained]:
        return [Explained("pursuit_residual")] if self.focused is self.plot else super().explained()

    def current_query(self) -> tuple[str, dict[str, Any]] | None:
        if self.plot.has_focus:
            return self.bench.store.sql_of("pursuit_residual"), self.bench.parameters("pursuit_residual")
        return super().current_query()
