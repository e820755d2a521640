"""A table over a query: a million rows are sorted, filtered and scrolled in SQL, and only a window is ever read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, ClassVar, Protocol, cast

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from saetui.tui.widgets.column import Column
from saetui.tui.widgets.row_filter import find_column, parse_filter
from saetui.tui.widgets.row_window import CHUNK, ChunkCache, Order, Reader, WindowQuery
from saetui.tui.widgets.table_layout import Palette, TableLayout
from saetui.tui.widgets.window_reader import Reading, WindowReader, Wish
from store import StoreError

_HEADER = 1


class TableStore(Protocol):
    """What a table needs of a store."""

    def sql_of(self, name: str) -> str: ...
    def reader(self) -> Reader: ...


class QueryTable(ScrollView, can_focus=True):
    """Rows of a query as a table.

    The store is ``app.store`` unless given. ``sort`` is the order at the start; without one the query's own order
    holds. ``row_key`` is the column that is unique in the result: the cursor stays on its row when data change.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("h,left", "move_column(-1)", "Column left", show=False),
        Binding("l,right", "move_column(1)", "Column right", show=False),
        Binding("g,home", "go_to(0)", "First row", show=False),
        Binding("G,end", "go_to_end", "Last row", show=False),
        Binding("ctrl+d", "move_pages(0.5)", "Half a page down", show=False),
        Binding("ctrl+u", "move_pages(-0.5)", "Half a page up", show=False),
        Binding("pagedown,ctrl+f", "move_pages(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "move_pages(-1)", "Page up", show=False),
        Binding("enter", "select", "Open", show=False),
        *(Binding(digit, f"count({digit!r})", "Count", show=False) for digit in "0123456789"),
    ]
    COUNT_PATIENCE: ClassVar[float] = 0.3
    """Seconds in which a lone digit may still become a count, before it means what it means outside the table."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "query-table--header",
        "query-table--header-cursor",
        "query-table--cursor",
        "query-table--cell",
        "query-table--unread",
        "query-table--heat",
    }
    DEFAULT_CSS = """
    QueryTable {
        height: 1fr;
        border-top: solid $foreground 20%;
        border-title-color: $text-muted;
        border-title-background: transparent;
        scrollbar-size: 1 1;
        scrollbar-gutter: stable;
        scrollbar-background: $background;
        scrollbar-color: $foreground 25%;

        & > .query-table--header { color: $text-muted; }
        & > .query-table--header-cursor { color: $text-muted; }
        & > .query-table--cursor { background: $foreground 10%; }
        & > .query-table--unread { color: $text-muted; }
        & > .query-table--heat { color: $warning; }

        &:focus {
            border-top: solid $accent;
            border-title-color: $accent;
            & > .query-table--header-cursor { color: $accent; text-style: bold underline; }
            & > .query-table--cursor { background: $accent 30%; }
            & > .query-table--cell { text-style: bold underline; }
        }
    }
    """

    cursor_index: reactive[int] = reactive(0, init=False)
    """Place of the cursor's row, from 0."""
    cursor_column: reactive[int] = reactive(0, init=False)
    """Place of the chosen column, from 0."""

    @dataclass
    class RowHighlighted(Message):
        """The cursor came to rest on a row, or its row has new values; ``row`` maps column names to values."""

        table: "QueryTable"
        row: Mapping[str, Any]
        key: Any
        index: int

        @property
        def control(self) -> "QueryTable":
            return self.table

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, QueryTable.RowHighlighted) and message.table is self.table

    @dataclass
    class RowSelected(Message):
        """Enter or a second click on a row."""

        table: "QueryTable"
        row: Mapping[str, Any]
        key: Any
        index: int

        @property
        def control(self) -> "QueryTable":
            return self.table

    @dataclass
    class HeaderSelected(Message):
        """A click on a label."""

        table: "QueryTable"
        column: Column

        @property
        def control(self) -> "QueryTable":
            return self.table

    @dataclass
    class Loaded(Message):
        """Rows of a changed query have arrived; ``total`` counts all that pass the filter."""

        table: "QueryTable"
        total: int

        @property
        def control(self) -> "QueryTable":
            return self.table

    @dataclass
    class _Read(Message):
        reading: Reading

    def __init__(
        self,
        query_name: str,
        params: Mapping[str, Any] | None = None,
        columns: Sequence[Column] = (),
        row_key: str = "",
        *,
        title: str = "",
        empty: str = "no rows",
        sort: tuple[str, bool] | None = None,
        pinned: int = 1,
        store: TableStore | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.query_name = query_name
        self.empty = empty
        self.total = 0
        self.loaded = False
        self.error = ""
        self.marks: frozenset[Any] = frozenset()
        self.filter_text = ""
        self._given_store = store
        self._title = title
        self._layout_of_columns = TableLayout(columns, pinned=pinned)
        self._query = WindowQuery("", dict(params or {}), row_key)
        self._default_order = (Order(*sort),) if sort else ()
        self._order = self._default_order
        self._names: Sequence[str] = ()
        self._cache = ChunkCache()
        self._generation = 0
        self._count = ""
        self._count_timer: Timer | None = None
        self._passed_on = ""
        self._palette_made: Palette | None = None
        self._goal: Any = None
        self._highlighted: tuple[Any, ...] | None = None
        self._lock = Lock()
        self._wish: Wish | None = None
        self._reading: int | None = None
        self._window_reader: WindowReader | None = None

    # What it is about

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._layout_of_columns.columns

    @property
    def column(self) -> Column:
        """The chosen column."""
        return self.columns[self.cursor_column]

    @property
    def params(self) -> Mapping[str, Any]:
        return self._query.params

    @property
    def sorting(self) -> tuple[Order, ...]:
        return self._order

    @property
    def cursor_row(self) -> Mapping[str, Any] | None:
        """The values of the cursor's row by column name, or None while they are read or there is none."""
        return self.row_at(self.cursor_index)

    @property
    def cursor_key(self) -> Any:
        row = self.cursor_row
        return row.get(self._query.key) if row is not None else None

    def row_at(self, index: int) -> Mapping[str, Any] | None:
        """The values of one row, or None where it is not in the window."""
        row = self._cache.row(index) if index < self.total else None
        return None if row is None else dict(zip(self._names, row, strict=True))

    def current_query(self) -> tuple[str, dict[str, Any]]:
        """The query as shown, with filter and order but without a window, and its parameters."""
        return self._effective().text()

    # What may be changed

    @property
    def title(self) -> str:
        return self._title

    @title.setter
    def title(self, title: str) -> None:
        self._title = title
        self._show_title()

    def set_params(self, **params: Any) -> None:
        """Ask the query about something else."""
        if dict(self._query.params) != params:
            self._query = replace(self._query, params=params)
            self.reload()

    def set_query(self, query_name: str, **params: Any) -> None:
        """Show another query with the same columns."""
        if (self.query_name, dict(self._query.params)) != (query_name, params):
            self.query_name = query_name
            self._query = replace(self._query, params=params)
            self.reload()

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; the query stays."""
        self._layout_of_columns = TableLayout(columns, pinned=self._layout_of_columns.pinned)
        self.cursor_column = min(self.cursor_column, max(0, len(columns) - 1))
        self._lay_out()

    def set_filter(self, text: str) -> None:
        """Keep the rows that pass a filter line; an empty one keeps all.

        Raises:
            FilterError: the line cannot be read; the table stays as it was.
        """
        condition = parse_filter(text, self.columns)
        changed = condition != self._query.condition
        self.filter_text = text.strip()
        self._query = replace(self._query, condition=condition)
        self._show_title()
        if changed:
            self.reload()

    def sort_by(self, column: str | None, descending: bool = True) -> None:
        """Order by a column (key or label); None returns to the order at the start.

        Raises:
            FilterError: no such column; the message names the nearest.
        """
        key = find_column(column, self.columns).key if column is not None else None
        order = (Order(key, descending),) if key is not None else self._default_order
        if order != self._order:
            self._order = order
            self.reload()

    def set_marks(self, keys: frozenset[Any]) -> None:
        """Row keys that are drawn as marked."""
        if keys != self.marks:
            self.marks = keys
            self.refresh()

    def go_to_key(self, key: Any) -> None:
        """Put the cursor on the row of a key, wherever it is; nothing happens where there is none."""
        if key != self.cursor_key:
            for index, row in self._cache.rows():
                if self._names and dict(zip(self._names, row, strict=True)).get(self._query.key) == key:
                    self.cursor_index = index
                    return
            self.reload(go_to=key)

    def reload(self, *, go_to: Any = None) -> None:
        """Read again; the cursor stays on its row, or goes to the row of the key ``go_to``."""
        self._generation += 1
        if go_to is not None:
            self._goal = go_to
        elif self._goal is None:
            self._goal = self.cursor_key
        if self.is_attached:
            self._send(self._wish_for(self._visible_chunks(), opening=True))

    # Reading

    def _store(self) -> TableStore | None:
        return self._given_store or cast("TableStore | None", getattr(self.app, "store", None))

    def _effective(self) -> WindowQuery:
        store = self._store()
        name = self.query_name
        sql = name if any(character.isspace() for character in name) or store is None else store.sql_of(name)
        return replace(self._query, sql=sql, order=self._order)

    def _wish_for(self, chunks: Sequence[int], *, opening: bool = False) -> Wish:
        page = max(1, self.page_rows)
        return Wish(self._generation, self._effective(), tuple(chunks), opening, self._goal, page)

    def _visible_chunks(self) -> list[int]:
        first = max(0, int(self.scroll_y)) // CHUNK
        last = (int(self.scroll_y) + max(1, self.page_rows)) // CHUNK
        return list(range(first, last + 1))

    def _send(self, wish: Wish) -> None:
        store = self._store()
        if store is None:
            return
        with self._lock:
            pending = self._wish
            if pending is not None and pending.opening and pending.generation == wish.generation:
                return
            self._wish = wish
            if self._reading is not None:
                if self._reading != wish.generation and self._window_reader is not None:
                    self._window_reader.interrupt()
                return
            self._reading = wish.generation
        if self._window_reader is None:
            self._window_reader = WindowReader(store.reader())
        self.run_worker(self._read_wishes, name=self.id or "", group="rows", thread=True, exit_on_error=True)

    def _read_wishes(self) -> None:
        """Answers wishes until there is none; runs in a thread, one at a time for a table."""
        reader = self._window_reader
        assert reader is not None
        while True:
            with self._lock:
                wish, self._wish = self._wish, None
                self._reading = wish.generation if wish is not None else None
            if wish is None:
                return
            try:
                reading = reader.read(wish)
                self.post_message(self._Read(reading))
                if self._wish is None and reader.needs_fences():
                    reader.build_fences()
            except StoreError as error:
                # An interrupted read fails as well; its answer is stale by then and nobody waits for it.
                self.post_message(self._Read(Reading(wish.generation, opening=wish.opening, error=str(error))))

    def on_query_table__read(self, message: _Read) -> None:
        message.stop()
        reading = message.reading
        if reading.generation != self._generation:
            return
        if reading.error:
            self.error, self.loaded = reading.error, True
            self._show_total(0)
            return
        if reading.opening:
            self._opened(reading)
        for number, rows in reading.chunks.items():
            self._cache.put(number, rows)
        self.refresh()
        if reading.opening:
            self.post_message(self.Loaded(self, self.total))
        self._want_visible()
        self._highlight()

    def _opened(self, reading: Reading) -> None:
        self.error, self.loaded = "", True
        self._cache.clear()
        self._names = reading.columns
        goal, self._goal = self._goal, None
        kept = goal is not None and reading.place is not None
        index = reading.place if kept and reading.place is not None else 0 if goal is not None else self.cursor_index
        self._highlighted = None
        with self.prevent(self.RowHighlighted):
            self._show_total(reading.total)
            self.set_reactive(QueryTable.cursor_index, max(0, min(index, self.total - 1)))
            self._show_cursor()

    def _want_visible(self) -> None:
        """Ask for what is seen and not read, and for the next chunk before it is reached."""
        if not self.loaded or not self.total:
            return
        visible = self._visible_chunks()
        self._cache.use(visible)
        last = (self.total - 1) // CHUNK
        near = range(max(0, visible[0] - 1), min(last, visible[-1] + 1) + 1)
        missing = self._cache.missing(number for number in visible if number <= last) or self._cache.missing(near)
        if missing:
            self._send(self._wish_for(missing))

    # Cursor

    @property
    def page_rows(self) -> int:
        """Rows that are seen at once."""
        return self.scrollable_content_region.height - _HEADER

    def validate_cursor_index(self, index: int) -> int:
        return max(0, min(index, self.total - 1))

    def validate_cursor_column(self, index: int) -> int:
        return max(0, min(index, len(self.columns) - 1))

    def watch_cursor_index(self, before: int, after: int) -> None:
        self._refresh_row(before)
        self._refresh_row(after)
        self._show_cursor()
        self._highlight()

    def watch_cursor_column(self) -> None:
        available = self.scrollable_content_region.width
        scroll = self._layout_of_columns.scroll_to_show(self.cursor_column, int(self.scroll_x), available)
        self.scroll_to(x=scroll, animate=False)
        self.refresh()

    def _refresh_row(self, index: int) -> None:
        line = index - int(self.scroll_y) + _HEADER
        if _HEADER <= line < self.size.height:
            self.refresh_lines(line + int(self.scroll_y))

    def _show_cursor(self) -> None:
        """Scroll no more than need be to have the cursor in view."""
        page, top = max(1, self.page_rows), int(self.scroll_y)
        if self.cursor_index < top:
            self.scroll_to(y=self.cursor_index, animate=False)
        elif self.cursor_index >= top + page:
            self.scroll_to(y=self.cursor_index - page + 1, animate=False)

    def _highlight(self) -> None:
        row = self.cursor_row
        if row is None:
            return
        shown = (self.cursor_index, *row.values())
        if shown != self._highlighted:
            self._highlighted = shown
            self.post_message(self.RowHighlighted(self, row, row.get(self._query.key), self.cursor_index))

    def action_count(self, digit: str) -> None:
        """Collect a count such as the 12 of ``12j``; a digit that stays alone goes to whoever else wants it."""
        if self._passed_on == digit or not (self._count or self.COUNT_PATIENCE):
            self._passed_on = ""
            raise SkipAction
        self._count += digit
        if self._count_timer is not None:
            self._count_timer.stop()
        self._count_timer = self.set_timer(self.COUNT_PATIENCE, self._pass_on) if len(self._count) == 1 else None
        self._show_title()

    def _pass_on(self) -> None:
        self._passed_on = self._count
        self._take_count()
        self.app.simulate_key(self._passed_on)

    def _take_count(self) -> int | None:
        count, self._count = self._count, ""
        if self._count_timer is not None:
            self._count_timer.stop()
            self._count_timer = None
        if count:
            self._show_title()
        return int(count) if count else None

    def action_move(self, rows: int) -> None:
        self.cursor_index += rows * (self._take_count() or 1)

    def action_move_column(self, columns: int) -> None:
        self.cursor_column += columns * (self._take_count() or 1)

    def action_move_pages(self, pages: float) -> None:
        rows = max(1, round(abs(pages) * self.page_rows)) * (self._take_count() or 1)
        top = int(self.scroll_y)
        step = rows if pages > 0 else -rows
        # View and cursor move together, so that the cursor keeps its line on the screen.
        self.scroll_to(y=max(0, min(top + step, self.total - self.page_rows)), animate=False)
        self.cursor_index += step

    def action_go_to(self, index: int) -> None:
        count = self._take_count()
        self.cursor_index = index if count is None else count - 1

    def action_go_to_end(self) -> None:
        count = self._take_count()
        self.cursor_index = self.total - 1 if count is None else count - 1

    def action_select(self) -> None:
        row = self.cursor_row
        if row is not None:
            self.post_message(self.RowSelected(self, row, row.get(self._query.key), self.cursor_index))

    async def _on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        scrolled = offset.x + int(self.scroll_x) if offset.x >= self._layout_of_columns.pinned_width else offset.x
        column = self._layout_of_columns.column_at(scrolled)
        if column is not None:
            self.cursor_column = column
        if offset.y < _HEADER:
            if column is not None:
                self.post_message(self.HeaderSelected(self, self.columns[column]))
            return
        index = int(self.scroll_y) + offset.y - _HEADER
        if index < self.total:
            if index == self.cursor_index and event.chain > 1:
                self.action_select()
            self.cursor_index = index

    # Painting

    def on_mount(self) -> None:
        self._show_title()
        self.reload()

    def on_unmount(self) -> None:
        if self._window_reader is not None and self._reading is not None:
            self._window_reader.interrupt()

    def on_resize(self) -> None:
        self._lay_out()
        self._show_cursor()
        self._want_visible()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette_made = None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._want_visible()

    def _lay_out(self) -> None:
        self._layout_of_columns.arrange(self.scrollable_content_region.width)
        self.virtual_size = Size(self._layout_of_columns.width, self.total + _HEADER)
        self.refresh()

    def _show_total(self, total: int) -> None:
        self.total = total
        self._lay_out()
        self._show_title()

    def _show_title(self) -> None:
        parts: list[str | tuple[str, str]] = [self._title] if self._title else []
        if self.loaded and not self.error:
            parts.append((f"  {self.total:,}", "dim"))
        if self.filter_text:
            parts.append(f"  /{self.filter_text}")
        if self._count:
            parts.append((f"  {self._count}…", "bold"))
        self.border_title = Content.assemble(*parts) if parts else None

    def _palette(self) -> Palette:
        if self._palette_made is None:
            style = self.get_component_rich_style
            self._palette_made = Palette(
                row=self.rich_style,
                cursor=style("query-table--cursor"),
                cell=style("query-table--cell", partial=True),
                header=style("query-table--header"),
                header_cursor=style("query-table--header-cursor"),
                unread=style("query-table--unread", partial=True),
                background=self.background_colors[1],
                heat=self.get_component_styles("query-table--heat").color,
            )
        return self._palette_made

    def render_line(self, y: int) -> Strip:
        palette, width = self._palette(), self.scrollable_content_region.width
        scroll_x = int(self.scroll_x)
        cursor_column = self.cursor_column if self.has_focus else None
        if y < _HEADER:
            sorting = {order.column: order.descending for order in self._order}
            return self._layout_of_columns.header(
                palette, scroll_x=scroll_x, width=width, sorting=sorting, cursor=cursor_column
            )
        index = int(self.scroll_y) + y - _HEADER
        if index >= self.total:
            return self._message_line(y - _HEADER, width, palette.row)
        values = self.row_at(index)
        key = values.get(self._query.key) if values is not None else None
        return self._layout_of_columns.row(
            palette,
            values,
            scroll_x=scroll_x,
            width=width,
            cursor=index == self.cursor_index,
            cell=cursor_column if index == self.cursor_index else None,
            marked=key in self.marks,
        )

    def _message_line(self, line: int, width: int, style: Style) -> Strip:
        """What is said where there are no rows."""
        lines: list[str] = []
        if not self.total and self.loaded:
            filtered = f"no row passes the filter {self.filter_text}" if self.filter_text else self.empty
            lines = (self.error or filtered).splitlines()
        text = "  " + lines[line] if line < len(lines) else ""
        return Strip([Segment(text, style + Style(dim=not self.error))]).crop_extend(0, width, style)
