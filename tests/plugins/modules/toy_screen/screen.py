"""The screen: one table."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from saetui.tui.frame.study import StudyScreen
from saetui.tui.keys import bindings_of
from saetui.tui.table.column import Column
from saetui.tui.table.query_table import QueryTable
from toy_screen.manifest import MANIFEST

_COLUMNS = (Column("surface", "word", 20), Column("length", "letters", 8, align="right"))


class ToyScreen(StudyScreen):
    """Words by their length."""

    MANIFEST = MANIFEST
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(MANIFEST.name)]

    def compose_body(self) -> ComposeResult:
        yield self.table_widget("toy_words.words", _COLUMNS)

    def attention_changed(self) -> None:
        self.look()
        self.ask(self.query_one(QueryTable))
