"""Screen 3: where do the latents of a letter stay silent, and which latent took over?"""

from typing import Any, ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from saetui.commands.absorption import CASES, EVIDENCE, LETTERS, MAP, OCCURRENCES
from saetui.commands.attention import Attention
from saetui.commands.command import Command
from saetui.commands.navigate import Focus, Open
from saetui.commands.select import Latent, Letter, Token
from saetui.tui.frame.status_line import progress_text
from saetui.tui.keys import bindings_of
from saetui.tui.messages import TableChanged
from saetui.tui.screens import absorption_columns as columns
from saetui.tui.screens import absorption_tables as tables
from saetui.tui.screens import absorption_titles as titles
from saetui.tui.screens.base import FOLDED_WIDTH, WorkbenchScreen
from saetui.tui.widgets.case_card import CaseCard
from saetui.tui.widgets.query_table import QueryTable
from saetui.tui.widgets.threshold_line import ThresholdLine

# A cursor that rests this long has chosen its row; until then other panes stay as they are.
_REST = 0.06
# From these widths of the terminal on all columns of the words fit, and there is room for more.
_ROOMY, _WIDE = 118, 160
_EMPTY = """[b]Absorption has not been studied here yet.[/b]

[b $accent]A[/]  studies the SAEs in view: main latents of every letter, the words they miss, and which latent took over
[b $accent]1[/]  [b $accent]D[/]  trains six SAEs on the embedded model first, where there are none
[b $accent]7[/]  shows what runs
"""
# Which parts each page shows; the others are hidden.
_PAGES = {"": ("upper", "lower"), "word": ("occurrences", "lower"), "map": ("map",)}


class AbsorptionScreen(WorkbenchScreen):
    """Letters and their words with verdicts, the evidence on one word, its occurrences, and all SAEs at once."""

    NAME = "absorption"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "card", "Show the card of the word", show=False),
        Binding("escape", "close", "Close the card, or the page", show=False),
        *bindings_of("absorption"),
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
    AbsorptionScreen.-wide #absorption-letters { width: 51; }
    AbsorptionScreen.-narrow #absorption-letters { width: 25; }
    AbsorptionScreen.-narrow #absorption-card { display: none; width: 1fr; margin-left: 0; }
    AbsorptionScreen.-narrow.-card #absorption-card { display: block; }
    AbsorptionScreen.-narrow.-card #absorption-evidence { display: none; }
    AbsorptionScreen.-narrow.-card #absorption-upper { display: none; }
    AbsorptionScreen.-narrow.-card #absorption-occurrences { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown = Attention()
        self._rest: Timer | None = None
        # True while the words of a letter arrive of which none has been chosen: then the first one is.
        self._choose_first = True
        # The number with the longest bar in the evidence.
        self._largest = 0.0

    def compose_body(self) -> ComposeResult:
        bench = self.bench
        yield Static(_EMPTY, id="absorption-empty")
        with Vertical(id="absorption-body"):
            with Horizontal(id="absorption-upper"):
                yield tables.letters_table(bench)
                yield tables.cases_table(bench)
            yield tables.occurrences_table(bench)
            yield tables.map_table(bench)
            yield ThresholdLine(bench.store.reader(), id="absorption-thresholds")
            with Horizontal(id="absorption-lower"):
                yield tables.evidence_table(bench)
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
        before, now = self._shown, self.bench.attention
        self._shown = now
        if self._rest is not None:
            self._rest.stop()
        if before.metric != now.metric:
            self._lay_out_columns()
        elsewhere = (before.sae, before.letter) != (now.sae, now.letter)
        if elsewhere:
            self._choose_first = now.token is None
        if elsewhere and self._choose_first:
            self.cases.reset_cursor()
        if before.token != now.token or elsewhere:
            self.evidence.reset_cursor()
        self._ask(self.letters)
        if now.letter is not None:
            self.letters.go_to_key(now.letter)
        self._ask(self.cases)
        if now.token is not None:
            self.cases.go_to_key(now.token)
        self._ask(self.evidence)
        self._ask_page()
        self.thresholds.show(self.bench.parameters("absorption_change"), now.metric)
        self._show_card()
        self.jobs_changed()
        self._show_marks()
        self._name_tables()

    def _ask(self, table: QueryTable) -> None:
        table.set_params(**self.bench.parameters(table.query_name))

    def _ask_page(self) -> None:
        """Ask for what only this page shows."""
        if self.bench.page == "word":
            self._ask(self.occurrences)
        elif self.bench.page == "map":
            self._ask(self.sae_map)
            if self.bench.attention.sae is not None:
                self.sae_map.go_to_key(self.bench.attention.sae)

    def store_changed(self) -> None:
        self.set_class(not self.bench.catalogue.has_absorption, "-empty")
        self._show_marks()
        for table in (self.letters, self.cases, self.evidence, self.occurrences, self.sae_map):
            table.reload()
        self.thresholds.show(self.bench.parameters("absorption_change"), self.bench.attention.metric, again=True)
        self._show_card(again=True)

    def jobs_changed(self) -> None:
        """How far the ablation of this word is."""
        entry, token = self.bench.catalogue.entry(self.bench.attention.sae), self.bench.attention.token
        jobs = [job for job in self.bench.jobs if job.kind == "ablation" and not job.has_ended]
        own = [job for job in jobs if entry is not None and (job.spec["sae"], job.spec["word"]) == (entry.name, token)]
        self.card.tell(f"removing its latents, {progress_text(own[0])}" if own else "")

    def _show_card(self, *, again: bool = False) -> None:
        """Tell about the word, and about the latent or the occurrence under the cursor."""
        table = self.evidence if self.evidence.has_focus else self.occurrences if self.bench.page == "word" else None
        row = table.cursor_row if table is not None and table.up_to_date else None
        latent = int(row["latent"]) if row is not None and table is self.evidence else None
        place = (row["context"], row["position"]) if row is not None and table is self.occurrences else None
        self.card.show(self.bench.parameters("absorption_evidence"), latent=latent, place=place, again=again)

    def _show_marks(self) -> None:
        marks, sae = self.bench.marks, self.bench.attention.sae
        self.letters.set_marks(frozenset(s.key for s in marks if s.kind == "letter"))
        self.cases.set_marks(frozenset(s.key for s in marks if s.kind == "token"))
        self.sae_map.set_marks(frozenset(s.key for s in marks if s.kind == "sae"))
        keys = [s.key.rpartition("/") for s in marks if s.kind == "latent"]
        self.evidence.set_marks(frozenset(int(latent) for owner, _, latent in keys if owner == sae))

    # Cursors

    @on(QueryTable.RowHighlighted, "#absorption-letters")
    def _letter_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(LETTERS, event.row)
        letter = self.bench.attention.letter
        if event.moved or letter is None:
            self._choose(Letter(str(event.key)) if event.key != letter else None, at_once=not event.moved)

    @on(QueryTable.RowHighlighted, "#absorption-cases")
    def _case_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(CASES, event.row)
        if not event.table.up_to_date:
            # Words of the letter before; those of this one are on their way.
            return
        first, self._choose_first = self._choose_first, False
        if event.moved or first:
            same = event.key == self.bench.attention.token
            self._choose(None if same else Token(str(event.key)), at_once=not event.moved)

    @on(QueryTable.RowHighlighted, "#absorption-evidence")
    def _latent_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(EVIDENCE, event.row)
        if not event.table.up_to_date:
            return
        if event.moved and event.table.has_focus and event.key != self.bench.attention.latent:
            self._choose(Latent(int(event.key)))
        self._show_card()

    @on(QueryTable.RowHighlighted, "#absorption-occurrences")
    def _occurrence_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(OCCURRENCES, event.row)
        self._show_card()

    @on(QueryTable.RowHighlighted, "#absorption-map")
    def _sae_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(MAP, event.row)

    def _choose(self, command: Command | None, *, at_once: bool = False) -> None:
        """Do a command once the cursor rests; what was chosen on the way is forgotten."""
        if self._rest is not None:
            self._rest.stop()
        if command is not None and at_once:
            self.dispatch(command, visit=False)
        elif command is not None:
            self._rest = self.set_timer(_REST, lambda: self.dispatch(command, visit=False))

    @on(QueryTable.RowSelected, "#absorption-letters")
    def _letter_chosen(self) -> None:
        self.cases.focus()

    @on(QueryTable.RowSelected, "#absorption-cases")
    def _case_chosen(self, event: QueryTable.RowSelected) -> None:
        if event.key != self.bench.attention.token:
            self.dispatch(Token(str(event.key)), visit=False)
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

    @on(QueryTable.Loaded, "#absorption-cases")
    def _cases_loaded(self) -> None:
        self._name_tables()

    @on(QueryTable.Loaded, "#absorption-evidence")
    def _evidence_loaded(self, event: QueryTable.Loaded) -> None:
        rows = [row for index in range(event.total) if (row := event.table.row_at(index)) is not None]
        metric = self.bench.attention.metric
        self._largest = max((abs(columns.drawn_value(metric, row) or 0.0) for row in rows), default=0.0)
        event.table.set_columns(columns.evidence(metric, self._kind(), self._largest))
        self._name_tables()

    @on(QueryTable.Loaded, "#absorption-occurrences")
    def _occurrences_loaded(self, event: QueryTable.Loaded) -> None:
        rows = [row for index in range(event.total) if (row := event.table.row_at(index)) is not None]
        tops = [
            max((max(row[name], default=0.0) for row in rows), default=0.0)
            for name in ("absorber_activations", "main_activations")
        ]
        event.table.set_columns(columns.occurrences(*tops))
        self._name_tables()

    @on(ThresholdLine.Known)
    def _thresholds_known(self, event: ThresholdLine.Known) -> None:
        row = event.row
        self.card.judge_by({} if row is None else {name: row[name] for name in ("lead", "min_cosine")})

    # Titles

    def _name_tables(self) -> None:
        occurrences = self.occurrences
        self.cases.title = titles.title_of_words(self.bench, self.cases.total)
        self.evidence.title = titles.title_of_evidence(self.bench, folded=self.has_class("-narrow"))
        occurrences.title = titles.title_of_occurrences(self.bench, occurrences.total, occurrences.row_at(0))
        self.sae_map.title = titles.title_of_map(self.bench)

    # Pages and folding

    def turn_page(self) -> None:
        # While another screen is coming to the front, its page means nothing here.
        parts = _PAGES.get(self.bench.page, _PAGES[""])
        if all(self._part(name).display == (name in parts) for name in ("upper", "lower", "occurrences", "map")):
            return
        for name in parts:
            self._part(name).display = True
        self._ask_page()
        # The focus moves before its place is hidden, or it would be put somewhere else on the way.
        target = self.table(self.bench.focus)
        self.set_focus(target, scroll_visible=False)
        for name in ("upper", "lower", "occurrences", "map"):
            self._part(name).display = name in parts
        self.remove_class("-card")
        self._show_card()
        self._name_tables()

    def _part(self, name: str) -> Widget:
        return self.query_one(f"#absorption-{name}")

    @on(TableChanged)
    def _focus_changed(self) -> None:
        if self.is_whole:
            self.turn_page()
            self._name_tables()

    def action_card(self) -> None:
        """Go to the card, or back; on a narrow terminal it takes the place of the tables."""
        if self.card.has_focus:
            self.action_close()
            return
        self.add_class("-card")
        self.card.focus()

    def action_close(self) -> None:
        if self.card.has_focus:
            self.remove_class("-card")
            (self.table(self.bench.focus) or self.cases).focus()
        elif self.bench.page and not self.bench.tables[self.bench.focus].filter:
            self.dispatch(Focus(CASES))
        else:
            raise SkipAction

    def _kind(self) -> str:
        width = self.size.width
        return "narrow" if width < _ROOMY else "normal" if width < _WIDE else "wide"

    def on_resize(self, event: events.Resize) -> None:
        if self.is_whole and event.size.width:
            self._lay_out_columns()

    def _lay_out_columns(self) -> None:
        metric, kind = self.bench.attention.metric, self._kind()
        folded = self.size.width < FOLDED_WIDTH
        self.letters.set_columns(columns.letters(metric, "normal" if kind == "narrow" and not folded else kind))
        self.cases.set_columns(columns.cases(metric, kind))
        self.sae_map.set_columns(columns.sae_map(self.size.width))
        self.evidence.set_columns(columns.evidence(metric, kind, self._largest))

    def explain(self) -> str | None:
        table = self.table(self.bench.focus)
        return (table.column.help or table.column.key) if table is not None else None

    def current_query(self) -> tuple[str, dict[str, Any]] | None:
        if isinstance(self.focused, CaseCard):
            return self.bench.query_of(EVIDENCE)
        return super().current_query()
