"""The words over a table."""

from textual.content import Content
from textual.widget import Widget

from saetui.tui.delay import SlowRead


class TableTitle:
    """What the rows of a table are, how many there are, its filter, and whether others are being read.

    Words that name other rows wait until these are there. Without ``counted`` the words stand alone.
    """

    def __init__(self, table: Widget, words: str | Content, *, counted: bool) -> None:
        self.words = words
        self._table = table
        self._counted = counted
        self._next = words
        self._total: int | None = None
        self._filter = ""
        self._read = SlowRead(table, self._draw)

    def name(self, words: str | Content, *, waits: bool) -> None:
        """Name the rows; ``waits`` until they are read."""
        self._next = words
        if not waits:
            self.words = words
            self._draw()

    def begin_read(self) -> None:
        """Other rows are on their way."""
        self._read.begin()

    def end_read(self) -> None:
        """The rows that were named last are there, or will not come; ``show`` draws it."""
        self.words = self._next
        self._read.end()

    def show(self, total: int | None, filter_text: str) -> None:
        """Draw the title, with the number of rows where it is known, and the filter."""
        self._total, self._filter = total, filter_text
        self._draw()

    def _draw(self) -> None:
        parts: list[str | Content | tuple[str, str]] = [self.words] if self.words else []
        if self._counted and self._total is not None:
            parts.append((f" {self._total:,}", "dim"))
        if self._counted and self._filter:
            parts.append(f" /{self._filter}")
        if self._read.is_slow:
            parts.append((" reading…", "dim"))
        self._table.border_title = Content.assemble(*parts) if parts else None
