"""What a table tells the screen it is on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

from saetui.tui.table.column import Column

if TYPE_CHECKING:
    from saetui.tui.table.query_table import QueryTable


@dataclass
class TableMessage(Message, bubble=True):
    """Base of what a table says; ``table`` is the one that says it."""

    table: "QueryTable"

    @property
    def control(self) -> "QueryTable":
        return self.table


@dataclass
class RowHighlighted(TableMessage, namespace="query_table"):
    """The cursor came to a row, or its row has new values; ``row`` maps column names to values.

    ``moved`` is True where a person moved the cursor, and False where rows arrived under it; ``moves`` is how often a
    person has moved it so far.
    """

    row: Mapping[str, Any]
    key: Any
    index: int
    moved: bool
    moves: int

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RowHighlighted) and message.table is self.table


@dataclass
class RowSelected(TableMessage, namespace="query_table"):
    """Enter, or a second click, on a row."""

    row: Mapping[str, Any]
    key: Any
    index: int


@dataclass
class HeaderSelected(TableMessage, namespace="query_table"):
    """A click on a label."""

    column: Column


@dataclass
class Loaded(TableMessage, namespace="query_table"):
    """Rows of a changed query have arrived; ``total`` counts all that pass the filter."""

    total: int
