"""Screen 3: where do the latents of a letter stay silent, and which latent took over?"""

from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from saetui.commands.absorption import CASES, EVIDENCE, LETTERS, MAP, OCCURRENCES
from saetui.commands.navigate import Focus, Open
from saetui.commands.select import Latent, Letter, Token
from saetui.tui.absorption import columns, titles
from saetui.tui.absorption.manifest import MANIFEST
from saetui.tui.absorption.threshold_line import ThresholdLine
from saetui.tui.cards.case_card import CaseCard
from saetui.tui.frame.empty_text import going_on
from saetui.tui.frame.screen import FOLDED_WIDTH
from saetui.tui.frame.status_line import progress_text
from saetui.tui.frame.study import StudyScreen, title_of_letters
from saetui.tui.keys import bindings_of
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.screens import tables
from saetui.workbench.tables import Table

_EMPTY = """[b]Absorption has not been studied here yet.[/b]

[b $accent]A[/]  studies the SAEs in view: main latents of every letter, the words they miss, and which latent took over
[b $accent]1[/]  [b $accent]A[/]  trains six SAEs on the embedded model first, where there are none
[b $accent]7[/]  shows what runs
"""


class AbsorptionScreen(StudyScreen):
    """Letters and their words with verdicts, the evidence on one word, its occurrences, and all SAEs at once."""

    MANIFEST = MANIFEST
    PAGES: ClassVar = {"": ("upper", "lower"), "word": ("occurrences", "lower"), "map": ("map",)}
    FIRST = CASES
    # From this width on all columns of the words fit.
    NORMAL_WIDTH = 118
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "card", "Show the card of the word", show=False),
        Binding("escape", "close", "Close the card, or the page", show=False),
        *bindings_of(MANIFEST.name),
    ]
    DEFAULT_CSS = """
    AbsorptionScreen #absorption-empty { display: none; height: 1fr; padding: 2 3; }
    AbsorptionScreen.-empty #absorption-empty { display: block; }
    AbsorptionScreen.-empty #absorption-body { display: none; }
    AbsorptionScreen #absorption-body { height: 1fr; }
    AbsorptionScreen #absorption-upper { height: 1fr; }
    AbsorptionScreen #absorption-letters { width: 36; margin-right: 1; }
    AbsorptionScreen #absorption-cases { width: 1fr; }
    AbsorptionScreen #absorption-lower { height: 1fr; }
    AbsorptionScreen #absorption-evidence { width: 1fr; }
    AbsorptionScreen #absorption-card { width: 42%; margin-left: 1; }
    AbsorptionScreen.-wide #absorption-letters { width: 57; }
    AbsorptionScreen.-narrow #absorption-letters { width: 25; }
    AbsorptionScreen.-narrow #absorption-card { display: none; width: 1fr; margin-left: 0; }
    AbsorptionScreen.-narrow.-card #absorption-card { display: block; }
    AbsorptionScreen.-narrow.-card #absorption-evidence { display: none; }
    AbsorptionScreen.-narrow.-card #absorption-upper { display: none; }
    AbsorptionScreen.-narrow.-card #absorption-occurrences { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        # The number with the longest bar in the evidence.
        self._largest = 0.0

    def compose_body(self) -> ComposeResult:
        bench, metric = self.bench, self.bench.attention.metric
        yield Static(_EMPTY, id="absorption-empty")
        with Vertical(id="absorption-body"):
            with Horizontal(id="absorption-upper"):
                yield self.table_widget(LETTERS, columns.letters(metric, "normal"))
                yield self.table_widget(CASES, columns.cases(metric, "normal"), counted=False)
            # Hidden until their pages are turned to; until then the map, which is large, asks for nothing.
            nothing_in_view = bench.table_parameters(MAP) | {"in_view": []}
            for hidden in (
                self.table_widget(OCCURRENCES, columns.occurrences(0.0, 0.0), counted=False),
                QueryTable(tables()[MAP], columns.sae_map(FOLDED_WIDTH), nothing_in_view, counted=False),
            ):
                hidden.display = False
                yield hidden
            yield ThresholdLine(bench.store.reader(), id="absorption-thresholds")
            with Horizontal(id="absorption-lower"):
                yield self.table_widget(EVIDENCE, columns.evidence(metric, "normal", 0.0), pinned=2, counted=False)
                yield CaseCard(bench.store.reader(), id="absorption-card")

    @property
    def letters(self) -> QueryTable:
        return self.query_one("#absorption-letters", QueryTable)

    @property
    def cases(self) -> QueryTable:
        return self.query_one("#absorption-cases", QueryTable)

    @property
    def evidence(self) -> QueryTable:
        return self.query_one("#absorption-evidence", QueryTable)

    @property
    def occurrences(self) -> QueryTable:
        return self.query_one("#absorption-occurrences", QueryTable)

    @property
    def sae_map(self) -> QueryTable:
        return self.query_one("#absorption-map", QueryTable)

    @property
    def thresholds(self) -> ThresholdLine:
        return self.query_one("#absorption-thresholds", ThresholdLine)

    @property
    def card(self) -> CaseCard:
        return self.query_one("#absorption-card", CaseCard)

    # What is looked at

    def attention_changed(self) -> None:
        before, now = self.look()
        if before.metric != now.metric:
            self._lay_out_columns()
        elsewhere = (before.sae, before.letter) != (now.sae, now.letter)
        if elsewhere and now.token is None:
            # The first of the words of another letter is looked at.
            self.cases.reset_cursor()
        if before.token != now.token or elsewhere:
            self.evidence.reset_cursor()
        self.ask(self.letters)
        if now.letter is not None:
            self.follow(self.letters, now.letter)
        self.ask(self.cases)
        if now.token is not None:
            self.follow(self.cases, now.token)
        self.ask(self.evidence)
        self.ask_page()
        self.thresholds.show(self.bench.parameters("absorption_change"), now.metric)
        self._show_card()
        self.jobs_changed()
        self._show_marks()
        self.name_tables()

    def ask_page(self) -> None:
        if self.bench.page == "word":
            self.ask(self.occurrences)
        elif self.bench.page == "map":
            self.ask(self.sae_map)
            if self.bench.attention.sae is not None:
                self.follow(self.sae_map, self.bench.attention.sae)

    def store_changed(self) -> None:
        self.set_class(not self.bench.catalogue.studies.get("absorption"), "-empty")
        self._show_marks()
        for table in (self.letters, self.cases, self.evidence, self.occurrences, self.sae_map):
            table.reload()
        self.thresholds.show(self.bench.parameters("absorption_change"), self.bench.attention.metric, again=True)
        self._show_card(again=True)

    def jobs_changed(self) -> None:
        """How far the ablation of this word is, and where there is nothing to see the study."""
        entry, token = self.bench.catalogue.entry(self.bench.attention.sae), self.bench.attention.token
        jobs = [job for job in self.bench.jobs if job.kind == "ablation" and not job.has_ended]
        own = [
            job
            for job in jobs
            if entry is not None and (job.setting("sae"), job.setting("word")) == (entry.name, token)
        ]
        self.card.tell(f"removing its latents, {progress_text(own[0])}" if own else "")
        text = Content.from_markup(_EMPTY) + going_on(self.bench, ("absorption",))
        self.query_one("#absorption-empty", Static).update(text)

    def why_empty(self, table: Table) -> str:
        return titles.no_occurrences(self.bench) if table.id == OCCURRENCES else super().why_empty(table)

    def _show_card(self, *, again: bool = False) -> None:
        """Show the word on the card, and the latent or the occurrence under the cursor."""
        table = self.evidence if self.evidence.has_focus else self.occurrences if self.bench.page == "word" else None
        row = table.cursor_row if table is not None and table.up_to_date else None
        latent = int(row["latent"]) if row is not None and table is self.evidence else None
        place = (row["context"], row["position"]) if row is not None and table is self.occurrences else None
        self.card.show(self.bench.parameters("absorption_evidence"), latent=latent, place=place, again=again)

    def _show_marks(self) -> None:
        self.letters.set_marks(self.marked("letter"))
        self.cases.set_marks(self.marked("token"))
        self.sae_map.set_marks(self.marked("sae"))
        self.evidence.set_marks(self.marked_latents())

    # Cursors

    @on(QueryTable.RowHighlighted, "#absorption-letters")
    def _letter_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(LETTERS, event.row)
        self.look_at_row(event, self.bench.attention.letter, lambda: Letter(str(event.key)))

    @on(QueryTable.RowHighlighted, "#absorption-cases")
    def _case_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(CASES, event.row)
        if event.table.up_to_date:
            # Otherwise these are words of the previous letter; those of this one are still being read.
            self.look_at_row(event, self.bench.attention.token, lambda: Token(str(event.key)))

    @on(QueryTable.RowHighlighted, "#absorption-evidence")
    def _latent_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(EVIDENCE, event.row)
        if not event.table.up_to_date:
            return
        if event.moved and event.table.has_focus and event.key != self.bench.attention.latent:
            self.choose(event, Latent(int(event.key)))
        self._show_card()

    @on(QueryTable.RowHighlighted, "#absorption-occurrences")
    def _occurrence_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(OCCURRENCES, event.row)
        self._show_card()

    @on(QueryTable.RowHighlighted, "#absorption-map")
    def _sae_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(MAP, event.row)

    @on(QueryTable.RowSelected, "#absorption-letters")
    def _letter_chosen(self, event: QueryTable.RowSelected) -> None:
        self.choose_for_all(Letter(str(event.key)), letter=event.key)
        self.cases.focus()

    @on(QueryTable.RowSelected, "#absorption-cases")
    def _case_chosen(self, event: QueryTable.RowSelected) -> None:
        if event.table.up_to_date:
            self.choose_for_all(Token(str(event.key)), token=event.key)
            self.dispatch(Focus(OCCURRENCES))

    @on(QueryTable.RowSelected, "#absorption-evidence")
    def _latent_chosen(self) -> None:
        self.dispatch("absorber")

    @on(QueryTable.RowSelected, "#absorption-map")
    def _cell_chosen(self, event: QueryTable.RowSelected) -> None:
        column = event.table.column.key
        letter = f"/{column}" if len(column) == 1 else ""
        self.dispatch(Open(f"absorption{letter}?sae={event.row['sae']}"))
        self.dispatch(Focus(LETTERS))

    # Rows that have arrived

    @on(QueryTable.Loaded, "#absorption-letters")
    @on(QueryTable.Loaded, "#absorption-cases")
    @on(QueryTable.Loaded, "#absorption-map")
    def _rows_loaded(self) -> None:
        self.name_tables()

    @on(QueryTable.Loaded, "#absorption-evidence")
    def _evidence_loaded(self, event: QueryTable.Loaded) -> None:
        rows = self.rows(event.table)
        metric = self.bench.attention.metric
        self._largest = max((abs(columns.drawn_value(metric, row) or 0.0) for row in rows), default=0.0)
        event.table.set_columns(columns.evidence(metric, self.breadth, self._largest))
        self.name_tables()

    @on(QueryTable.Loaded, "#absorption-occurrences")
    def _occurrences_loaded(self, event: QueryTable.Loaded) -> None:
        rows = self.rows(event.table)
        tops = [
            max((max(row[name], default=0.0) for row in rows), default=0.0)
            for name in ("absorber_activations", "main_activations")
        ]
        event.table.set_columns(columns.occurrences(*tops))
        self.name_tables()

    # Titles

    def name_tables(self) -> None:
        occurrences = self.occurrences
        self.letters.title = title_of_letters(self.rows(self.letters))
        self.cases.title = titles.title_of_words(self.bench, self.cases.total)
        self.evidence.title = titles.title_of_evidence(self.bench, folded=self.has_class("-narrow"))
        occurrences.title = titles.title_of_occurrences(self.bench, occurrences.total, occurrences.row_at(0))
        self.sae_map.title = titles.title_of_map(self.bench, self.rows(self.sae_map))

    # Pages and folding

    def page_turned(self) -> None:
        self._show_card()
        self.name_tables()

    def leave_card(self) -> None:
        (self.table(self.bench.focus) or self.cases).focus()

    def on_resize(self, event: events.Resize) -> None:
        if self.is_whole and event.size.width:
            self._lay_out_columns()

    def _lay_out_columns(self) -> None:
        metric, kind = self.bench.attention.metric, self.breadth
        folded = self.size.width < FOLDED_WIDTH
        self.letters.set_columns(columns.letters(metric, "normal" if kind == "narrow" and not folded else kind))
        self.cases.set_columns(columns.cases(metric, kind))
        self.sae_map.set_columns(columns.sae_map(self.size.width))
        self.evidence.set_columns(columns.evidence(metric, kind, self._largest))

    def current_query(self) -> tuple[str, dict[str, Any]] | None:
        if isinstance(self.focused, CaseCard):
            return self.bench.query_of(EVIDENCE)
        return super().current_query()
