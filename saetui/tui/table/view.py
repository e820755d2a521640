"""What is seen of a table at one moment, painted line by line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from saetui.tui.table.layout import Palette, TableLayout
from saetui.workbench.table_query import Order
from saetui.workbench.tables import Table


@dataclass(frozen=True)
class TableView:
    """A table as it is scrolled: ``width`` cells from ``scroll_x`` on, lines of ``across`` records from ``top`` on.

    ``record`` gives the values at a place, None while they are read; rows whose key is in
    ``marks`` are drawn as marked. ``cursor_column`` is the chosen column, None where the keys go elsewhere.
    """

    layout: TableLayout
    palette: Palette
    width: int
    scroll_x: int
    top: int
    across: int
    total: int
    record: Callable[[int], Mapping[str, Any] | None]
    table: Table
    marks: frozenset[Any]
    cursor: int
    cursor_column: int | None

    def header(self, sorting: Sequence[Order]) -> Strip:
        """The line of labels."""
        return self.layout.header(
            self.palette,
            scroll_x=self.scroll_x,
            width=self.width,
            sorting={order.column: order.descending for order in sorting},
            cursor=self.cursor_column,
        )

    def records(self, line: int, *, cells: bool) -> Strip | None:
        """A line of records, or None below the last; ``cells``: the chosen column of the cursor's row stands out."""
        first = (self.top + line) * self.across
        if first >= self.total:
            return None
        if self.across == 1:
            return self._record(first, self.width, cells)
        panel = self.width // self.across
        strips = [self._record(index, panel, cells) for index in range(first, min(first + self.across, self.total))]
        return Strip.join(strips).crop_extend(0, self.width, self.palette.row)

    def message(self, line: int, text: str, *, dim: bool) -> Strip:
        """A line of what is said where there are no rows."""
        lines = text.splitlines()
        said = "  " + lines[line] if line < len(lines) else ""
        style = self.palette.row
        return Strip([Segment(said, style + Style(dim=dim))]).crop_extend(0, self.width, style)

    def column_at(self, x: int) -> int | None:
        """The column at a place across the table, or None beside all of them."""
        panel = self.width // self.across
        return self.layout.column_at(x % panel, self.scroll_x, panel)

    def place_at(self, x: int, line: int) -> int | None:
        """The place of the record there, or None beside all of them."""
        panel = x // (self.width // self.across)
        place = (self.top + line) * self.across + panel
        return place if panel < self.across and place < self.total else None

    def _record(self, index: int, width: int, cells: bool) -> Strip:
        values, at_cursor = self.record(index), index == self.cursor
        return self.layout.row(
            self.palette,
            values,
            scroll_x=self.scroll_x,
            width=width,
            cursor=at_cursor,
            cell=self.cursor_column if at_cursor and cells else None,
            marked=values is not None and values.get(self.table.key) in self.marks,
            dim=values is not None and bool(self.table.full) and values.get(self.table.full) is False,
        )
