"""What a table asks of the store: its query about what is looked at, narrowed by a filter line and put in an order."""

from collections.abc import Mapping, Sequence
from typing import Any

from saetui.tui.table.column import Column
from saetui.visible import visible
from saetui.workbench.filter_columns import Condition, FilterColumn, FilterError, labelled, nearest, plain
from saetui.workbench.table_query import Order, TableQuery
from saetui.workbench.tables import Table


class TableQuestion:
    """A table's query as it stands.

    ``params`` are the values of what is looked at. ``columns`` is what the rows can be narrowed and sorted by, as of
    the last answer, and None before the first; a filter line that comes before waits for it in ``waiting_filter``.
    ``column_names`` are names that a filter may use beside the query's own, with the columns that each can mean.
    """

    def __init__(self, table: Table, params: Mapping[str, Any]) -> None:
        self.table = table
        self.params = params
        self.columns: tuple[FilterColumn, ...] | None = None
        self.filter_text = ""
        self.waiting_filter: str | None = None
        self.column_names: Mapping[str, Sequence[str]] = {}
        self._condition = Condition()
        self._order: tuple[Order, ...] = ()

    @property
    def sorting(self) -> tuple[Order, ...]:
        return self._order or self.table.order

    @property
    def why_empty(self) -> str:
        """What is said where the filter leaves no row; how it was read, where it is nothing but words."""
        said = f"no row passes the filter {self.filter_text}"
        if not self._condition.texts:
            return said
        texts = ", ".join(f"“{text}”" for text in self._condition.texts)
        return f"{said}, read as text to look for in any column: {visible(texts)}"

    @property
    def is_distinct(self) -> bool:
        """Whether one of several equal rows stands for them."""
        return self.table.is_distinct(self._condition, self._order)

    def query(self, sql: str) -> TableQuery:
        """The query with filter and order; ``sql`` is its text."""
        return self.table.asked(sql, self.params, self._condition, self._order)

    def filter_by(self, text: str, *, unanswered: str = "") -> bool:
        """Narrow by a filter line; return whether other rows are asked for now.

        Raises:
            FilterError: the line cannot be read, and nothing is changed; or there has been no answer that it could be
                read with, and will be none: ``unanswered`` says why.
        """
        self.waiting_filter = None
        if text.strip() and self.columns is None:
            if unanswered:
                raise FilterError(unanswered)
            self.waiting_filter = text
            return False
        condition = self.table.condition(text, labelled(self.columns or (), self.column_names))
        changed = condition != self._condition
        self.filter_text = text.strip()
        self._condition = condition
        return changed

    def sort_by(self, column: str | None, descending: bool, shown: Sequence[Column]) -> bool:
        """Order by a column, or as at the start with None; return whether that is another order than before.

        Raises:
            FilterError: no such column; the message names the nearest of those ``shown``.
        """
        order = (Order(self._find_column(column, shown), descending),) if column is not None else ()
        changed = order != self._order
        self._order = order
        return changed

    def _find_column(self, name: str, shown: Sequence[Column]) -> str:
        known = {plain(label): column.key for column in shown for label in (column.label, column.key) if label}
        if plain(name) in known:
            return known[plain(name)]
        # A column that there is no room to show; before the first answer it is not known whether there is one.
        if self.columns is None or name in (column.name for column in self.columns):
            return name
        raise FilterError(nearest(name, known))
