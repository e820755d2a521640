"""Screen 2: which latents claim a letter, and how well?"""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from saetui.commands.attention import Attention
from saetui.commands.command import Command
from saetui.commands.letters import WORDS, shown_verdict
from saetui.commands.select import Latent, Letter, Token
from saetui.tui.keys import bindings_of
from saetui.tui.screens import letters_columns as columns
from saetui.tui.screens.base import WorkbenchScreen
from saetui.tui.widgets.latent_card import LatentCard
from saetui.tui.widgets.query_table import QueryTable

LETTERS, LATENTS = "letters.letters", "letters.latents"
# A cursor that rests this long has chosen its row; until then other panes stay as they are.
_REST = 0.06
_LETTERS_WIDTH = {"narrow": 23, "normal": 29, "wide": 42}
_EMPTY = """[b]No letters have been studied here yet.[/b]

[b $accent]1[/]  [b $accent]D[/]  trains six SAEs on the embedded model and finds the letters that their latents claim
[b $accent]:[/]  [b]study letters[/b] studies the SAEs in view
[b $accent]7[/]  shows what runs
"""


class LettersScreen(WorkbenchScreen):
    """Letters, the latents that claim one, the words that a latent finds, and the card of the latent."""

    NAME = "letters"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "card", "Show the card of the latent", show=False),
        Binding("escape", "close_card", "Close the card", show=False),
        *bindings_of("letters"),
    ]
    DEFAULT_CSS = """
    LettersScreen #letters-empty { display: none; height: 1fr; padding: 2 3; }
    LettersScreen.-empty #letters-empty { display: block; }
    LettersScreen.-empty #letters-body { display: none; }
    LettersScreen #letters-body { height: 1fr; }
    LettersScreen #letters-tables { width: 1fr; height: 1fr; }
    LettersScreen #letters-upper { height: 3fr; }
    LettersScreen #letters-letters { width: 23; margin-right: 1; }
    LettersScreen #letters-latents { width: 1fr; }
    LettersScreen #letters-words { height: 2fr; min-height: 5; }
    LettersScreen #letters-card { width: 40; height: 1fr; margin-left: 1; }
    LettersScreen.-wide #letters-card { width: 46%; }
    LettersScreen.-narrow #letters-card { display: none; width: 1fr; margin-left: 0; }
    LettersScreen.-narrow.-card #letters-card { display: block; }
    LettersScreen.-narrow.-card #letters-tables { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown = Attention()
        self._rest: Timer | None = None
        # True while the latents of a letter arrive of which none has been chosen: then the first one is.
        self._choose_first = True

    def compose_body(self) -> ComposeResult:
        bench = self.bench
        yield Static(_EMPTY, id="letters-empty")
        with Horizontal(id="letters-body"):
            with Vertical(id="letters-tables"):
                with Horizontal(id="letters-upper"):
                    yield QueryTable(
                        "letters",
                        bench.parameters("letters"),
                        columns.LETTERS["normal"],
                        "letter",
                        title="letters",
                        empty="not studied for this SAE\n:study letters does it",
                        id="letters-letters",
                    )
                    yield QueryTable(
                        "letter_latents",
                        bench.parameters("letter_latents"),
                        columns.LATENTS,
                        "latent",
                        title="latents",
                        empty="no latent claims this letter",
                        pinned=2,
                        id="letters-latents",
                    )
                yield QueryTable(
                    "letter_words",
                    bench.parameters("letter_words"),
                    columns.words(None),
                    "surface",
                    title="words",
                    empty="no words",
                    fold=True,
                    counted=False,
                    id="letters-words",
                )
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
        before, now = self._shown, self.bench.attention
        self._shown = now
        if self._rest is not None:
            self._rest.stop()
        elsewhere = (before.sae, before.letter) != (now.sae, now.letter)
        if elsewhere:
            self._choose_first = now.latent is None or now.latent == before.latent
        if elsewhere and self._choose_first:
            self.latents.reset_cursor()
        self.letters.set_params(**self.bench.parameters("letters"))
        if now.letter is not None:
            self.letters.go_to_key(now.letter)
        self.latents.set_params(**self.bench.parameters("letter_latents"))
        if now.latent is not None and not (elsewhere and self._choose_first):
            self.latents.go_to_key(now.latent)
        self.words.set_params(**self.bench.parameters("letter_words"))
        self.card.show(now.sae, now.latent, now.letter)
        self._show_marks()
        self._name_tables()

    def store_changed(self) -> None:
        self.set_class(not self.bench.catalogue.has_letters, "-empty")
        self._show_marks()
        for table in (self.letters, self.latents, self.words):
            table.reload()
        attention = self.bench.attention
        self.card.show(attention.sae, attention.latent, attention.letter, again=True)

    def _show_marks(self) -> None:
        marks, sae = self.bench.marks, self.bench.attention.sae
        self.letters.set_marks(frozenset(s.key for s in marks if s.kind == "letter"))
        self.words.set_marks(frozenset(s.key for s in marks if s.kind == "token"))
        keys = [s.key.rpartition("/") for s in marks if s.kind == "latent"]
        self.latents.set_marks(frozenset(int(latent) for owner, _, latent in keys if owner == sae))

    @on(QueryTable.RowHighlighted, "#letters-letters")
    def _letter_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(LETTERS, event.row)
        letter = self.bench.attention.letter
        if event.moved or letter is None:
            self._choose(Letter(str(event.key)) if event.key != letter else None, at_once=not event.moved)

    @on(QueryTable.RowHighlighted, "#letters-latents")
    def _latent_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(LATENTS, event.row)
        if not event.table.up_to_date:
            # Rows of the letter before; those of this one are on their way.
            return
        first, self._choose_first = self._choose_first, False
        if event.moved or first:
            same = event.key == self.bench.attention.latent
            self._choose(None if same else Latent(int(event.key)), at_once=not event.moved)

    @on(QueryTable.RowHighlighted, "#letters-words")
    def _word_moved(self, event: QueryTable.RowHighlighted) -> None:
        self.row_moved(WORDS, event.row)
        if event.moved:
            self._choose(Token(str(event.key)))

    def _choose(self, command: Command | None, *, at_once: bool = False) -> None:
        """Do a command once the cursor rests; what was chosen on the way is forgotten."""
        if self._rest is not None:
            self._rest.stop()
        if command is not None and at_once:
            self.dispatch(command, visit=False)
        elif command is not None:
            self._rest = self.set_timer(_REST, lambda: self.dispatch(command, visit=False))

    @on(QueryTable.RowSelected, "#letters-letters")
    def _letter_chosen(self) -> None:
        self.latents.focus()

    @on(QueryTable.RowSelected, "#letters-latents")
    def _latent_chosen(self) -> None:
        self.action_card()

    @on(QueryTable.RowSelected, "#letters-words")
    def _word_chosen(self, event: QueryTable.RowSelected) -> None:
        self.dispatch(Token(str(event.key)))

    @on(QueryTable.Loaded, "#letters-words")
    def _words_loaded(self) -> None:
        self._name_words()

    # Titles

    def _name_tables(self) -> None:
        attention = self.bench.attention
        title = f"latents of {attention.letter}" if attention.letter else "latents"
        self.latents.title = title + (" · ⏎ card" if self.has_class("-narrow") else "")
        self._name_words()

    def _name_words(self) -> None:
        """The title of the words: what the latent makes of the letter, and which of them are shown."""
        attention, table = self.bench.attention, self.words
        if attention.letter is None:
            table.title = "words"
            return
        latent = self.latents.cursor_row
        largest = latent["max_activation"] if latent is not None and latent["latent"] == attention.latent else None
        table.set_columns(columns.words(largest))
        parts: list[str | tuple[str, str]] = [f"words of {attention.letter}"]
        row = self._row_of_letter()
        counts = {"all": "all", "missed": "missed", "alarms": "false alarms"}
        if row is not None and row["best_latent"] == attention.latent:
            parts.append(f"  {row['n_found']} of {row['n_words']} found")
            counts |= {"missed": f"{row['n_missed']} missed", "alarms": f"{row['n_false_alarms']} false alarms"}
        shown = shown_verdict(self.bench)
        parts.append("  ")
        for verdict, text in counts.items():
            parts.append((f"[{text}]", "bold") if verdict == shown else f" {text} ")
        if shown is None:
            parts.append(f" /{self.bench.tables[WORDS].filter}")
        table.title = Content.assemble(*parts, (" w", "dim"))

    def _row_of_letter(self) -> Mapping[str, Any] | None:
        row = self.letters.cursor_row
        return row if row is not None and row.get("letter") == self.bench.attention.letter else None

    # Keys

    def action_card(self) -> None:
        """Go to the card, or back to the latents; on a narrow terminal it takes the place of the tables."""
        if self.card.has_focus:
            self.action_close_card()
            return
        self.add_class("-card")
        self.card.focus()

    def action_close_card(self) -> None:
        if not self.card.has_focus:
            raise SkipAction
        self.remove_class("-card")
        self.latents.focus()

    def on_resize(self, event: events.Resize) -> None:
        if not self.is_whole:
            return
        width = event.size.width
        kind = "narrow" if width < 118 else "normal" if width < 160 else "wide"
        self.letters.styles.width = _LETTERS_WIDTH[kind]
        self.letters.set_columns(columns.LETTERS[kind])
