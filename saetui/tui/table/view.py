"""What is seen of a table at one moment, painted line by line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip

from saetui.tui.table.layout import Palette, TableLayout
from saetui.workbench.table_query import Order


@dataclass(frozen=True)
class TableView:
    """A table as it is scrolled: ``width`` cells from ``scroll_x`` on, lines of ``across`` records from ``top`` on.

    ``record`` gives the values at a place, None while they are read; ``is_marked`` and ``is_dim`` say of values whether
    they are drawn as marked, or dim. ``cursor_column`` is the chosen column, None where the keys go elsewhere.
    """

    layout: TableLayout
    palette: Palette
    width: int
    scroll_x: int
    top: int
    across: int
    total: int
    record: Callable[[int], Mapping[str, Any] | None]
    is_marked: Callable[[Mapping[str, Any]], bool]
    is_dim: Callable[[Mapping[str, Any]], bool]
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

    def _record(self, index: int, width: int, cells: bool) -> Strip:
        values, at_cursor = self.record(index), index == self.cursor
        return self.layout.row(
            self.palette,
            values,
            scroll_x=self.scroll_x,
            width=width,
            cursor=at_cursor,
            cell=self.cursor_column if at_cursor and cells else None,
            marked=values is not None and self.is_marked(values),
            dim=values is not None and self.is_dim(values),
        )


def table_title(title: str | Content, *, total: int | None, filter_text: str, reading: bool = False) -> Content | None:
    """The title of a table with its number of rows, where that is to be shown, and its filter.

    Where other rows are being read, it says so.
    """
    parts: list[str | Content | tuple[str, str]] = [title] if title else []
    if total is not None:
        parts.append((f" {total:,}", "dim"))
    if filter_text:
        parts.append(f" /{filter_text}")
    if reading:
        parts.append((" reading…", "dim"))
    return Content.assemble(*parts) if parts else None
