"""What the screens of studies share: tables whose cursor chooses, once it rests, what is looked at; card and pages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from textual import on
from textual.actions import SkipAction
from textual.widget import Widget

from saetui.commands.command import Command
from saetui.commands.navigate import Focus
from saetui.tui.delay import Delay
from saetui.tui.frame.screen import FOLDED_WIDTH, WorkbenchScreen
from saetui.tui.table.column import Column
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.attention import Attention
from saetui.workbench.screens import tables

# A cursor that rests this long has chosen its row; until then other panes stay as they are.
_REST = 0.06


def title_of_letters(rows: Sequence[Mapping[str, Any]]) -> str:
    """The title of a list of letters; says what dim ones are, where there are any."""
    return "letters" if all(row["usable"] for row in rows) else "letters · dim: not in means"


class StudyScreen(WorkbenchScreen):
    """A screen of tables that follow the attention, and whose cursors look at their rows: it alone shows these then.

    It may have a card, which folds away on narrow terminals: its styles say where the card goes with the class
    ``-card``. It may have pages: the widget id of a part is the screen's name and the part's, with ``-`` between.
    """

    # The parts of each page; those of other pages are hidden.
    PAGES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    # The table that has the focus on the first page.
    FIRST: ClassVar[str] = ""

    # From these widths of the terminal on the tables have more columns.
    NORMAL_WIDTH: ClassVar[int] = FOLDED_WIDTH
    WIDE_WIDTH: ClassVar[int] = 160

    def __init__(self) -> None:
        super().__init__()
        self._shown = Attention()
        # Until a cursor rests; and the table of that cursor.
        self._rest = Delay(self)
        self._resting: QueryTable | None = None
        # The moves of each cursor that have been heard of.
        self._moves_heard: dict[QueryTable, int] = {}
        # Whether the next change is one that a cursor here has made; whether the one that is seen now was.
        self._makes_change = self._made_change = False

    def look(self) -> tuple[Attention, Attention]:
        """What was looked at before, and what is now; a change made elsewhere ends a choice that waits for its rest."""
        before, self._shown = self._shown, self.bench.attention
        self._made_change, self._makes_change = self._makes_change, False
        if not self._made_change:
            self._forget()
        return before, self._shown

    def table_widget(self, table: str, columns: Sequence[Column], **drawn: Any) -> QueryTable:
        """The widget of a table of this screen; ``drawn`` says how it is drawn."""
        return QueryTable(tables()[table], columns, self.bench.table_parameters(table), **drawn)

    def ask(self, table: QueryTable) -> None:
        """Ask a table for what is looked at now."""
        table.set_params(**self.bench.table_parameters(table.table.id))

    # Cursors

    def follow(self, table: QueryTable, key: object) -> None:
        """Put a cursor on what is looked at, unless a person has moved it on from what it chose."""
        moved_on = table is self._resting or table.moves != self._moves_heard.get(table, 0)
        if not (self._made_change and moved_on):
            table.go_to_key(key)

    @on(QueryTable.RowHighlighted)
    def _hear(self, event: QueryTable.RowHighlighted) -> None:
        self._moves_heard[event.table] = event.moves

    def choose(self, event: QueryTable.RowHighlighted, command: Command | None) -> None:
        """Do a command once the cursor rests, or at once where no person moved it.

        What was chosen on the way is forgotten.
        """
        if not event.moved and event.key != event.table.cursor_key:
            return  # The cursor was put elsewhere since; two such rows would choose each other forever.
        if event.moved or event.table is self._resting:
            self._forget()
        if command is not None and not event.moved:
            self._make(command)
        elif command is not None:
            self._resting = event.table
            self._rest.begin(_REST, lambda: self._make_rested(command))

    def look_at_row(self, event: QueryTable.RowHighlighted, looked_at: object, command: Callable[[], Command]) -> None:
        """Look at the row under a cursor: once it rests, or at once where the row came to the cursor.

        Nothing is done for the row of the key that is ``looked_at`` already; nor for one that came, while those of what
        is looked at now are still being read or have yet to be asked for.
        """
        if not event.moved and not self.workbench_app.command_queue.idle:
            # Commands that were given before may look at something else.
            self.workbench_app.read(lambda: None, lambda _: event.table.tell_row())
            return
        is_current = event.table.up_to_date and self._shown == self.bench.attention
        if event.moved or is_current:
            self.choose(event, None if event.key == looked_at else command())

    def choose_for_all(self, command: Command, **chosen: Any) -> None:
        """Choose a row for all screens, unless what is ``chosen`` with it is that already."""
        now = self.bench.chosen
        if now != self.bench.attention or any(getattr(now, name) != value for name, value in chosen.items()):
            self.dispatch(command)

    def _make_rested(self, choice: Command) -> None:
        self._resting = None
        self._make(choice)

    def _make(self, choice: Command) -> None:
        if self.bench.screen != self.NAME:
            return
        self._makes_change = True
        self.dispatch(choice, visit=False)

    def _forget(self) -> None:
        self._rest.stop()
        self._resting = None

    # Marks

    def marked(self, kind: str) -> frozenset[str]:
        """The keys of the marks of a kind."""
        return frozenset(s.key for s in self.bench.marks if s.kind == kind)

    def marked_latents(self) -> frozenset[int]:
        """The marked latents of the SAE that is looked at."""
        keys = [key.rpartition("/") for key in self.marked("latent")]
        return frozenset(int(latent) for owner, _, latent in keys if owner == self.bench.attention.sae)

    # Columns

    @property
    def breadth(self) -> Literal["narrow", "normal", "wide"]:
        """How many columns there is room for."""
        width = self.app.size.width
        return "narrow" if width < self.NORMAL_WIDTH else "normal" if width < self.WIDE_WIDTH else "wide"

    def rows(self, table: QueryTable, most: int | None = None) -> list[Mapping[str, Any]]:
        """The rows of a table that have arrived, at most so many of the first."""
        total = table.total if most is None else min(table.total, most)
        return [row for index in range(total) if (row := table.row_at(index)) is not None]

    # The card

    @property
    def card(self) -> Widget:
        """The card."""
        raise NotImplementedError

    @property
    def is_in_card(self) -> bool:
        """Whether the focus is in the card, or in what belongs to it."""
        return self.card.has_focus

    def leave_card(self) -> None:
        """Move the focus to the table that the card belongs to."""
        raise NotImplementedError

    def action_card(self) -> None:
        """Go to the card, or back; on a narrow terminal it takes the place of the tables."""
        if self.is_zoomed:
            self.zoom()
        if self.card.has_focus:
            self.action_close()
            return
        self.add_class("-card")
        self.card.focus()

    def action_close(self) -> None:
        """Go back from the card, or from another page to the first."""
        if self.is_zoomed:
            self.zoom()
            return
        if self.bench.page and not self.is_in_card and not self.bench.tables[self.bench.focus].filter:
            if not self.workbench_app.halt_reads():
                self.dispatch(Focus(self.FIRST))
            return
        if not self.is_in_card:
            raise SkipAction
        if self.workbench_app.halt_reads():
            return
        self.remove_class("-card")
        self.leave_card()

    # Pages

    def ask_page(self) -> None:
        """Ask for what only this page shows."""

    def page_turned(self) -> None:
        """The page shows its parts."""

    def name_tables(self) -> None:
        """Write the titles of the tables again."""

    def turn_page(self) -> None:
        if not self.PAGES or not self.is_whole:
            return  # The parts come later, and turn to the page then.
        # While another screen comes to the front, the page is that screen's.
        parts = self.PAGES.get(self.bench.page, self.PAGES[""])
        widgets = {name: self._part(name) for page in self.PAGES.values() for name in page}
        if all(widget.display == (name in parts) for name, widget in widgets.items()):
            return
        for name in parts:
            # Without a value of its own, so that it is hidden while another part is zoomed.
            widgets[name].styles.display = None
        self.ask_page()
        # The focus moves before its place is hidden, or it would be put somewhere else on the way.
        self.set_focus(self.table(self.bench.focus), scroll_visible=False)
        for name, widget in widgets.items():
            if name not in parts:
                widget.display = False
        self.remove_class("-card")
        self.page_turned()

    def _part(self, name: str) -> Widget:
        return self.query_one(f"#{self.NAME}-{name}")

    def table_changed(self, table: str) -> None:
        super().table_changed(table)
        if self.is_whole:
            self.turn_page()
            self.name_tables()
