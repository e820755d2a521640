"""Screen 2: which latents claim a letter, and how well?"""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from saetui.commands.select import Latent, Letter, Token
from saetui.commands.table import shown_choice
from saetui.tui.cards.latent_card import LatentCard
from saetui.tui.frame.empty_text import going_on
from saetui.tui.frame.study import StudyScreen, title_of_letters
from saetui.tui.keys import bindings_of
from saetui.tui.letters import columns
from saetui.tui.letters.manifest import MANIFEST
from saetui.tui.table.query_table import QueryTable

LETTERS, LATENTS, WORDS = "letters.letters", "letters.latents", "letters.words"
_LETTERS_WIDTH = {"narrow": 22, "normal": 34, "wide": 73}
_EMPTY = """[b]No letters have been studied here yet.[/b]

[b $accent]1[/]  [b $accent]A[/]  trains six SAEs on the embedded model and finds the letters that their latents claim
[b $accent]A[/]  studies the SAEs in view
[b $accent]7[/]  shows what runs
"""


class LettersScreen(StudyScreen):
    """Letters, the latents that claim one, the words that a latent finds, and the card of the latent."""

    MANIFEST = MANIFEST
    NORMAL_WIDTH = 118
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "card", "Show the card of the latent", show=False),
        Binding("escape", "close", "Close the card", show=False),
        *bindings_of(MANIFEST.name),
    ]
    DEFAULT_CSS = """
    LettersScreen #letters-empty { display: none; height: 1fr; padding: 2 3; }
    LettersScreen.-empty #letters-empty { display: block; }
    LettersScreen.-empty #letters-body { display: none; }
    LettersScreen #letters-body { height: 1fr; }
    LettersScreen #letters-tables { width: 1fr; height: 1fr; }
    LettersScreen #letters-upper { height: 3fr; }
    LettersScreen #letters-letters { width: 22; margin-right: 1; }
    LettersScreen #letters-latents { width: 1fr; }
    LettersScreen #letters-words { height: 2fr; min-height: 5; }
    LettersScreen #letters-card { width: 40; height: 1fr; margin-left: 1; }
    LettersScreen.-wide #letters-card { width: 46%; }
    LettersScreen.-narrow #letters-card { display: none; width: 1fr; margin-left: 0; }
    LettersScreen.-narrow.-card #letters-card { display: block; }
    LettersScreen.-narrow.-card #letters-tables { display: none; }
    """

    def compose_body(self) -> ComposeResult:
        bench = self.bench
        yield Static(_EMPTY, id="letters-empty")
        with Horizontal(id="letters-body"):
            with Vertical(id="letters-tables"):
                with Horizontal(id="letters-upper"):
                    yield self.table_widget(LETTERS, columns.LETTERS["normal"])
                    yield self.table_widget(LATENTS, columns.LATENTS, pinned=2)
                yield self.table_widget(WORDS, columns.words(None), fold=True, counted=False)
            yield LatentCard(bench.store.reader(), id="letters-card")

    @property
    def letters(self) -> QueryTable:
        return self.query_one("#letters-letters", QueryTable)

    @property
    def latents(self) -> QueryTable:
        return self.query_one("#letters-latents", QueryTable)

    @property
    def words(self) -> QueryTable:
        return self.query_one("#letters-words", QueryTable)

    @property
    def card(self) -> LatentCard:
        return self.query_one("#letters-card", LatentCard)

    # What is looked at

    def attention_changed(self) -> None:
        before, now = self.look()
        elsewhere = (before.sae, before.letter) != (now.sae, now.letter)
        is_open = now.latent is None or now.latent == before.latent
        if elsewhere and is_open:
            # The first of the latents of another letter is looked at.
            self.latents.reset_cursor()
        self.ask(self.letters)
        if now.letter is not None:
            self.follow(self.letters, now.letter)
        self.ask(self.latents)
        if now.latent is not None and not (elsewhere and is_open):
            self.follow(self.latents, now.latent)
        self.ask(self.words)
        self.card.show(now.sae, now.latent, now.letter)
        self._show_marks()
        self._name_tables()

    def store_changed(self) -> None:
        self.set_class(not self.bench.catalogue.studies.get("letters"), "-empty")
        self._show_marks()
        for table in (self.letters, self.latents, self.words):
            table.reload()
        attention = self.bench.attention
        self.card.show(attention.sae, attention.latent, attention.letter, again=True)

    def jobs_changed(self) -> None:
        text = Content.from_markup(_EMPTY) + going_on(self.bench, MANIFEST.kinds)
        self.query_one("#letters-empty", Static).update(text)

    def _show_marks(self) -> None:
        self.letters.set_marks(self.marked("letter"))
        self.words.set_marks(self.marked("token"))
        self.latents.set_marks(self.marked_latents())

    @on(QueryTable.RowHighlighted, "#letters-letters")
    def _letter_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(LETTERS, event.row)
        self.look_at_row(event, self.bench.attention.letter, lambda: Letter(str(event.key)))

    @on(QueryTable.RowHighlighted, "#letters-latents")
    def _latent_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(LATENTS, event.row)
        if event.table.up_to_date:
            # Otherwise these are rows of the previous letter; those of this one are still being read.
            self.look_at_row(event, self.bench.attention.latent, lambda: Latent(int(event.key)))

    @on(QueryTable.RowHighlighted, "#letters-words")
    def _word_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(WORDS, event.row)
        if event.moved:
            self.choose(event, Token(str(event.key)))

    @on(QueryTable.RowSelected, "#letters-letters")
    def _letter_chosen(self, event: QueryTable.RowSelected) -> None:
        self.choose_for_all(Letter(str(event.key)), letter=event.key)
        self.latents.focus()

    @on(QueryTable.RowSelected, "#letters-latents")
    def _latent_chosen(self, event: QueryTable.RowSelected) -> None:
        if event.table.up_to_date:
            self.choose_for_all(Latent(int(event.key)), latent=event.key)
        self.action_card()

    @on(QueryTable.RowSelected, "#letters-words")
    def _word_chosen(self, event: QueryTable.RowSelected) -> None:
        self.dispatch(Token(str(event.key)))

    @on(QueryTable.Loaded)
    def _rows_loaded(self) -> None:
        self._name_tables()

    # Titles

    def _name_tables(self) -> None:
        attention = self.bench.attention
        title = f"latents of {attention.letter}" if attention.letter else "latents"
        self.latents.title = title + (" · ⏎ card" if self.has_class("-narrow") else "")
        self.letters.title = title_of_letters(self.rows(self.letters))
        self._name_words()

    def _name_words(self) -> None:
        """The title of the words: what the latent makes of the letter, and which of them are shown."""
        attention, table = self.bench.attention, self.words
        if attention.letter is None:
            table.title = "words"
            return
        latent, letter = self._row_of_latent(), self._row_of_letter()
        table.set_columns(columns.words(latent["max_activation"] if latent is not None else None))
        parts: list[str | tuple[str, str]] = [f"words of {attention.letter}"]
        counts = {"all": "all", "missed": "missed", "alarms": "false alarms"}
        if latent is not None:
            parts.append(f" · {latent['latent']} finds {latent['n_found']} of {latent['n_found'] + latent['n_missed']}")
            counts |= {"missed": f"{latent['n_missed']} missed", "alarms": f"{latent['n_false_alarms']} false alarms"}
        shown = shown_choice(self.bench, WORDS)
        parts.append("  ")
        for verdict, text in counts.items():
            parts.append((f"[{text}]", "bold") if verdict == shown else f" {text} ")
        if shown is None:
            parts.append(f" /{self.bench.tables[WORDS].filter}")
        parts.append((" w", "dim"))
        if letter is not None and (letter["n_main"] or 0) > 1 and not self.has_class("-narrow"):
            found, alarms = letter["n_main_found"], letter["n_main_false_alarms"]
            parts.append((f"  {letter['n_main']} main together: {found} found, {alarms} false alarms", "dim"))
        table.title = Content.assemble(*parts)

    def _row_of_letter(self) -> Mapping[str, Any] | None:
        return self._row_of(self.letters, self.bench.attention.letter)

    def _row_of_latent(self) -> Mapping[str, Any] | None:
        return self._row_of(self.latents, self.bench.attention.latent)

    def _row_of(self, table: QueryTable, key: object) -> Mapping[str, Any] | None:
        """The row under the cursor, where that is the one of a key and answers what was asked last."""
        row = table.cursor_row if table.up_to_date else None
        return row if row is not None and row[table.table.key] == key else None

    # Keys

    def leave_card(self) -> None:
        self.latents.focus()

    def on_resize(self) -> None:
        if self.is_whole:
            self.give_size(self.letters, width=_LETTERS_WIDTH[self.breadth])
            self.letters.set_columns(columns.LETTERS[self.breadth])
