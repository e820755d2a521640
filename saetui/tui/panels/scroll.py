"""A panel with text to read: scrolls with the keys of a table, and its text can be copied."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from saetui.tui.cards.scroll_box import ScrollBox
from saetui.tui.panels.base import Panel


class TextPanel(Panel[None]):
    """Text in a box."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter", "close", "Close", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, title: str, body: Content, *, copied: str = "", what: str = "text") -> None:
        super().__init__()
        self._title = title
        self._body = body
        self._copied = copied
        self._what = what

    def compose(self) -> ComposeResult:
        with ScrollBox(classes="panel") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "y copy   ⎋ close" if self._copied else "⎋ close"
            yield Static(self._body)

    def extend(self, lines: Sequence[Content]) -> None:
        """Add lines that were read after the panel had been opened."""
        self._body = Content("\n").join([self._body, *lines])
        if self._copied:
            self._copied = self._body.plain.strip()
        for text in self.query(Static):
            text.update(self._body)

    def action_copy(self) -> None:
        if self._copied:
            self.workbench_app.copy(self._copied, self._what)
