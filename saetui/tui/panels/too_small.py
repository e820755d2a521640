"""What is shown instead of a broken layout when the terminal is too small."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from saetui.tui.keys import bindings_of


class TooSmall(ModalScreen[None]):
    """Says what size is needed; goes away by itself when there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [b for b in bindings_of(None) if b.id == "quit"]
    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; overflow: hidden; }
    TooSmall Static { width: auto; max-width: 100%; text-align: center; }
    """

    def __init__(self, needed: tuple[int, int]) -> None:
        super().__init__()
        self._needed = needed

    def compose(self) -> ComposeResult:
        yield Static(self._text(), markup=False)

    def on_resize(self) -> None:
        self.query_one(Static).update(self._text())

    def _text(self) -> str:
        width, height = self._needed
        size = self.app.size
        here = f"this one is {size.width}×{size.height}"
        return f"saetui needs a terminal of {width}×{height};\n{here}.\nMake it larger, or press q to leave."
