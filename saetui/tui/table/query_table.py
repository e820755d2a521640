"""A table over a query: a million rows are sorted, filtered and scrolled in SQL, and only a window is ever read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from saetui.tui.table import messages as table_messages
from saetui.tui.table.column import Column
from saetui.tui.table.layout import Palette, TableLayout
from saetui.tui.table.motion import MovingCursor
from saetui.tui.table.question import TableQuestion
from saetui.tui.table.row_window import CHUNK, ChunkCache, TableStore
from saetui.tui.table.style import COMPONENTS, CSS, palette_of
from saetui.tui.table.title import TableTitle
from saetui.tui.table.view import TableView
from saetui.tui.table.window_feed import WindowFeed
from saetui.tui.table.window_reader import WindowAnswer, Wish
from saetui.workbench.filter_columns import FilterError
from saetui.workbench.table_query import Order, TableQuery
from saetui.workbench.tables import Table
from saetui.workbench.trouble import outside_errors, told


class QueryTable(MovingCursor, can_focus=True):
    """The rows of a :class:`~saetui.workbench.tables.Table`, which owns what is asked; here is how it is drawn.

    ``params`` are the values of what is looked at. The store is the workbench's unless given. The cursor stays on the
    row of its key when data change. With ``fold`` as many records stand side by side as there is room for, without
    labels. ``counted`` adds the number of rows and the filter to the title.
    """

    ALLOW_SELECT = False
    RowHighlighted: TypeAlias = table_messages.RowHighlighted
    RowSelected: TypeAlias = table_messages.RowSelected
    HeaderSelected: TypeAlias = table_messages.HeaderSelected
    Loaded: TypeAlias = table_messages.Loaded
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Open", show=False)]
    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    DEFAULT_CSS = CSS

    @dataclass
    class _Read(Message):
        reading: WindowAnswer

    def __init__(
        self,
        table: Table,
        columns: Sequence[Column] = (),
        params: Mapping[str, Any] | None = None,
        *,
        pinned: int = 1,
        fold: bool = False,
        counted: bool = True,
        store: TableStore | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=table.widget_id, classes=classes)
        # Labels show that there are columns to either side; a bar would cost a line.
        self.styles.scrollbar_size_horizontal = 0
        self.table = table
        # What is said where there are no rows, unless a filter leaves none.
        self.empty = table.empty
        self.loaded = False
        self.error = ""
        self.marks: frozenset[Any] = frozenset()
        self._given_store = store
        self._title = TableTitle(self, table.title, counted=counted)
        self._columns = TableLayout(columns, pinned=pinned)
        self._fold = fold
        self._header_lines = 0 if fold else 1
        self._question = TableQuestion(table, dict(params or {}))
        self._shown_params: Mapping[str, Any] = self._question.params
        self._cache = ChunkCache()
        # Chunks whose numbers the columns are wide enough for.
        self._fitted: set[int] = set()
        self._generation = self._opened_generation = 0
        self._palette_made: Palette | None = None
        self._goal: Any = None
        # The key of a row that was looked for and is not here.
        self._absent: Any = None
        self._sought = self._placed = False
        self._chosen = False
        self._moved = False
        self._highlighted: tuple[Any, ...] | None = None
        self._feed: WindowFeed | None = None

    # What it is about

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._columns.columns

    @property
    def column(self) -> Column:
        """The chosen column."""
        return self.columns[self.cursor_column]

    @property
    def params(self) -> Mapping[str, Any]:
        return self._question.params

    @property
    def shown_params(self) -> Mapping[str, Any]:
        """The parameters that the rows on screen were read with."""
        return self._shown_params

    @property
    def filter_text(self) -> str:
        return self._question.filter_text

    @property
    def sorting(self) -> tuple[Order, ...]:
        return self._question.sorting

    @property
    def cursor_row(self) -> Mapping[str, Any] | None:
        """The values of the cursor's row by column name, or None while they are read or there is none.

        There is none where a row was looked for that is not here, until a person moves the cursor.
        """
        return self.row_at(self.cursor_index)

    @property
    def cursor_key(self) -> Any:
        row = self.cursor_row
        return row.get(self.table.key) if row is not None else None

    @property
    def is_distinct(self) -> bool:
        """Whether one of several equal rows stands for them."""
        return self._question.is_distinct

    @property
    def up_to_date(self) -> bool:
        """Whether the rows shown answer the question asked last."""
        return self._opened_generation == self._generation

    def row_at(self, index: int) -> Mapping[str, Any] | None:
        """The values of one row, or None where it is not in the window."""
        return self._cache.record(index) if 0 <= index < self.total else None

    def asked(self) -> TableQuery:
        """The query as it stands, with filter and order."""
        return self._question.query(self._store().sql_of(self.table.query))

    # What may be changed

    @property
    def title(self) -> str | Content:
        return self._title.words

    @title.setter
    def title(self, title: str | Content) -> None:
        """Shown with the rows that it names: one that comes before them waits for them."""
        self._title.name(title, waits=not self.up_to_date)

    def set_params(self, **params: Any) -> None:
        """Ask the query about something else."""
        if self._question.params != params:
            self._question.params = params
            self.reload()

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; the query stays."""
        if tuple(columns) != self.columns:
            self._columns = TableLayout(columns, pinned=self._columns.pinned)
            self._fitted.clear()
            self._make_room()
            self.cursor_column = min(self.cursor_column, max(0, len(columns) - 1))
            self._lay_out()

    @property
    def column_names(self) -> Mapping[str, Sequence[str]]:
        """Names that a filter may use beside the query's own, and the columns that each can mean."""
        return self._question.column_names

    @column_names.setter
    def column_names(self, names: Mapping[str, Sequence[str]]) -> None:
        self._question.column_names = names

    def set_filter(self, text: str) -> None:
        """Keep the rows that pass a filter line; an empty one keeps all.

        Before the first answer has come the line is kept, and read then; what is wrong with it is shown.

        Raises:
            FilterError: the line cannot be read; the table stays as it was.
        """
        changed = self._question.filter_by(text, unanswered=self.error)
        self._show_title()
        if changed:
            self.reload()

    def sort_by(self, column: str | None, descending: bool = True) -> None:
        """Order by a column (key or label), with the cursor on the first row; None returns to the order at the start.

        Raises:
            FilterError: no such column; the message names the nearest.
        """
        if self._question.sort_by(column, descending, self.columns):
            self.reset_cursor()
            self.reload()

    def set_marks(self, keys: frozenset[Any]) -> None:
        """Row keys that are drawn as marked."""
        if keys != self.marks:
            self.marks = keys
            self.refresh()

    def go_to_key(self, key: Any) -> None:
        """Put the cursor on the row of a key, wherever it is; nothing happens where there is none."""
        if self.up_to_date and key in (self.cursor_key, self._absent):
            return
        place = self._cache.place_of(self.table.key, key) if self.up_to_date else None
        if place is not None:
            self._placed = self._chosen = True
            self.cursor_index = place
            self._placed = False
            return
        self.reload(go_to=key)

    def reset_cursor(self) -> None:
        """Forget which row was chosen: the next rows begin with the cursor on the first."""
        self._chosen, self._goal, self._absent = False, None, None
        self.set_reactive(QueryTable.cursor_index, 0)
        self.scroll_to(y=0, animate=False, force=True)
        self.refresh()

    def reload(self, *, go_to: Any = None) -> None:
        """Read again; the cursor stays on its row, or goes to the row of the key ``go_to``."""
        self._generation += 1
        go_to = self._absent if go_to is None else go_to
        if go_to is not None:
            self._goal, self._sought = go_to, True
        elif self._goal is None and self._chosen:
            self._goal = self.cursor_key
        if not self.is_attached:
            return
        self._title.begin_read()
        try:
            wish = self._wish_for(self._visible_chunks(), opening=True)
        except outside_errors() as error:
            self.fail(told(error))
        else:
            self._send(wish)

    def fail(self, error: str) -> None:
        """Say why there is nothing to show."""
        self.error, self.loaded = error, True
        self._title.end_read()
        self._show_total(0)

    # Reading

    def _store(self) -> TableStore:
        return self._given_store or cast("TableStore", cast(Any, self.app).bench.store)

    def _wish_for(self, chunks: Sequence[int], *, opening: bool = False) -> Wish:
        page = max(1, self.page_rows) * self.across
        return Wish(self._generation, self.asked(), tuple(chunks), opening, self._goal, page)

    def _visible_chunks(self) -> list[int]:
        top = max(0, int(self.scroll_y))
        first, last = top * self.across, (top + max(1, self.page_rows)) * self.across
        return list(range(first // CHUNK, last // CHUNK + 1))

    def _send(self, wish: Wish) -> None:
        if self._feed is None:
            self._feed = WindowFeed(self._store().reader, lambda reading: self.post_message(self._Read(reading)))
        if self._feed.send(wish):
            self.run_worker(self._feed.run, name=f"rows of {self.table.id}", group="rows", thread=True)

    def on_query_table__read(self, message: _Read) -> None:
        message.stop()
        reading = message.reading
        if reading.generation != self._generation:
            return
        if reading.error:
            self.fail(reading.error)
            return
        if reading.opening:
            self._question.columns = reading.filter_columns
            waiting = self._question.waiting_filter
            if waiting is not None and self._filter_as_asked(waiting):
                return  # Rows that do not pass it are not shown.
            self._opened(reading)
        self._fitted.difference_update(reading.chunks)
        for number, rows in reading.chunks.items():
            self._cache.put(number, rows)
        self._make_room()
        if reading.opening or not reading.chunks.keys().isdisjoint(self._visible_chunks()):
            self.refresh()
        self._want_visible()
        if reading.opening:
            self.post_message(self.Loaded(self, self.total))
        self._highlight()

    def _make_room(self) -> None:
        """Widen the columns for the numbers near the view, so that each is seen whole."""
        new = [number for number in self._visible_chunks() if number not in self._fitted]
        self._fitted.update(new)
        if self._columns.make_room_for(record for number in new for record in self._cache.records(number)):
            self._lay_out()

    def _filter_as_asked(self, text: str) -> bool:
        """Filter by the line that waited; whether other rows are on their way now."""
        before = self._generation
        try:
            self.set_filter(text)
        except FilterError as error:
            self.fail(str(error))
            return True
        return self._generation != before

    def _opened(self, reading: WindowAnswer) -> None:
        self.error, self.loaded = "", True
        self._opened_generation = reading.generation
        self._shown_params = self._question.params
        self._cache.begin(reading.columns)
        goal, self._goal = self._goal, None
        missed, self._sought = self._sought and reading.place is None, False
        self._absent = goal if missed else None
        index = self.cursor_index if goal is None else reading.place or 0
        self._title.end_read()
        self._chosen = self._chosen or (goal is not None and reading.place is not None)
        self._highlighted, self._moved = None, False
        self._show_total(reading.total)
        # Whoever looks for a row that is not here is not shown another one in its place.
        self.set_reactive(QueryTable.cursor_index, -1 if missed else max(0, min(index, self.total - 1)))
        self.show_cursor()
        # Until the new height is laid out there may be nothing to scroll.
        self.call_after_refresh(self.show_cursor)

    def _want_visible(self) -> None:
        """Ask for what is seen and not read, and for the next chunk before it is reached."""
        if not self.loaded or not self.total:
            return
        visible, last = self._visible_chunks(), (self.total - 1) // CHUNK
        self._cache.use(visible)
        near = range(max(0, visible[0] - 1), min(last, visible[-1] + 1) + 1)
        missing = self._cache.missing(number for number in visible if number <= last) or self._cache.missing(near)
        if missing:
            self._send(self._wish_for(missing))

    # Cursor

    @property
    def page_rows(self) -> int:
        return self.scrollable_content_region.height - self._header_lines

    def validate_cursor_column(self, index: int) -> int:
        return max(0, min(index, len(self.columns) - 1))

    def watch_cursor_index(self, before: int, after: int) -> None:
        self._refresh_row(before)
        self._refresh_row(after)
        self._absent = None
        if not self._placed:
            self._moved = self._chosen = True
            self.moves += 1
        self.show_cursor()
        self._highlight()

    def watch_cursor_column(self) -> None:
        room = self.scrollable_content_region.width - self._columns.pinned_width
        scroll = self._columns.scroll_to_show(self.cursor_column, int(self.scroll_x), room)
        self.scroll_to(x=scroll, animate=False, force=True)
        self.refresh()

    def _refresh_row(self, index: int) -> None:
        self.refresh_lines(index // self.across + self._header_lines)

    def tell_row(self) -> None:
        """Tell again which row is under the cursor."""
        self._highlighted = None
        self._highlight()

    def _highlight(self) -> None:
        row = self.cursor_row
        if row is None:
            return
        shown = (self.cursor_index, *row.values())
        if shown != self._highlighted:
            self._highlighted = shown
            moved, self._moved = self._moved, False
            key = row.get(self.table.key)
            self.post_message(self.RowHighlighted(self, row, key, self.cursor_index, moved, self.moves))

    def action_select(self) -> None:
        row = self.cursor_row
        if row is not None:
            self.post_message(self.RowSelected(self, row, row.get(self.table.key), self.cursor_index))

    async def _on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        view = self._view()
        column, line = view.column_at(offset.x), offset.y - self._header_lines
        if column is not None:
            self.cursor_column = column
        if line < 0:
            if column is not None:
                self.post_message(self.HeaderSelected(self, self.columns[column]))
            return
        place = view.place_at(offset.x, line)
        if place is not None:
            self.cursor_index = place
            if event.chain > 1:
                self.action_select()

    # Painting

    def on_mount(self) -> None:
        self._show_title()
        self.reload()

    def halt_reads(self) -> bool:
        """Stop a slow read in progress; return whether there was one."""
        return self._feed is not None and self._feed.halt()

    def on_unmount(self) -> None:
        if self._feed is not None:
            self._feed.stop()

    def on_resize(self) -> None:
        self._lay_out()
        self.show_cursor()
        self._want_visible()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette_made = None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._make_room()
            self._want_visible()

    def _lay_out(self) -> None:
        room = self.scrollable_content_region.width
        if self._fold:
            self.across = max(1, room // self._columns.natural_width)
        self._columns.arrange(room // self.across)
        width = room if self.across > 1 else self._columns.scrolled_width(room)
        self.virtual_size = Size(width, -(-self.total // self.across) + self._header_lines)
        self.refresh()

    def _show_total(self, total: int) -> None:
        self.total = total
        self._lay_out()
        self._show_title()

    def _show_title(self) -> None:
        self._title.show(self.total if self.loaded and not self.error else None, self.filter_text)

    def _palette(self) -> Palette:
        if self._palette_made is None:
            self._palette_made = palette_of(self)
        return self._palette_made

    def _view(self) -> TableView:
        return TableView(
            self._columns,
            self._palette(),
            self.scrollable_content_region.width,
            int(self.scroll_x),
            int(self.scroll_y),
            self.across,
            self.total,
            self.row_at,
            self.table,
            self.marks,
            self.cursor_index,
            self.cursor_column if self.has_focus else None,
        )

    def render_line(self, y: int) -> Strip:
        view = self._view()
        if y < self._header_lines:
            return view.header(self.sorting)
        line = y - self._header_lines
        records = view.records(line, cells=not self._fold)
        return view.message(line, self._message, dim=not self.error) if records is None else records

    @property
    def _message(self) -> str:
        """What is said where there are no rows."""
        if self.total or not self.loaded:
            return ""
        return self.error or (self._question.why_empty if self.filter_text else self.empty)
