"""How the cursor of a table moves: vi's keys, arrows and pages."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.scroll_view import ScrollView


class MovingCursor(ScrollView):
    """A cursor over ``total`` records, ``across`` of them on a line, with a chosen column."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("h,left", "move_sideways(-1)", "Column left", show=False),
        Binding("l,right", "move_sideways(1)", "Column right", show=False),
        Binding("g,home", "go_to_start", "First row", show=False),
        Binding("G,end", "go_to_end", "Last row", show=False),
        Binding("ctrl+d", "move_pages(0.5)", "Half a page down", show=False),
        Binding("ctrl+u", "move_pages(-0.5)", "Half a page up", show=False),
        Binding("pagedown,ctrl+f", "move_pages(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "move_pages(-1)", "Page up", show=False),
    ]
    cursor_index: reactive[int] = reactive(0, init=False)
    """Place of the cursor's record, from 0; -1 where it is on none."""
    cursor_column: reactive[int] = reactive(0, init=False)
    """Place of the chosen column, from 0."""

    total: int = 0
    across: int = 1
    moves: int = 0
    """How often a person has moved the cursor."""

    @property
    def page_rows(self) -> int:
        """Lines of records that are seen at once."""
        raise NotImplementedError

    def validate_cursor_index(self, index: int) -> int:
        return max(0, min(index, self.total - 1))

    def show_cursor(self) -> None:
        """Scroll no more than needed to bring the cursor into view."""
        page, top, line = max(1, self.page_rows), int(self.scroll_y), max(0, self.cursor_index) // self.across
        if line < top:
            self.scroll_to(y=line, animate=False, force=True)
        elif line >= top + page:
            self.scroll_to(y=line - page + 1, animate=False, force=True)

    def action_move(self, lines: int) -> None:
        self.cursor_index += lines * self.across

    def action_move_sideways(self, by: int) -> None:
        if self.across > 1:
            self.cursor_index += by
        else:
            self.cursor_column += by

    def action_move_pages(self, pages: float) -> None:
        lines = max(1, round(abs(pages) * self.page_rows))
        step = lines if pages > 0 else -lines
        # View and cursor move together, so that the cursor keeps its line on the screen.
        last_top = -(-self.total // self.across) - self.page_rows
        self.scroll_to(y=max(0, min(int(self.scroll_y) + step, last_top)), animate=False, force=True)
        self.cursor_index += step * self.across

    def action_go_to_start(self) -> None:
        self.cursor_index = 0

    def action_go_to_end(self) -> None:
        self.cursor_index = self.total - 1
