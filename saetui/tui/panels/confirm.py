"""A question with yes or no."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from saetui.tui.panels.base import Panel
from saetui.visible import visible_lines


class ConfirmPanel(Panel[bool]):
    """True on y, False on n or escape; not on enter, which may have been meant twice for what asked the question."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
    ]
    DEFAULT_CSS = """
    ConfirmPanel > Vertical { width: 60; max-width: 90%; height: auto; padding: 1 2; }
    """

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel"):
            yield Static(visible_lines(self._question), markup=False)
            yield Static("\n[b $accent]y[/] yes   [b $accent]n[/] no")

    def action_answer(self, sure: bool) -> None:
        self.dismiss(sure)
