"""A line of input over the footer, with room above it for what helps, and completion by tab."""

from contextlib import suppress
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from saetui.commands.completion import Completion
from saetui.tui.drawing.fit import fit
from saetui.tui.panels.base import Panel
from saetui.tui.panels.entry import LINE, LineEntry
from saetui.visible import visible
from saetui.workbench.trouble import outside_errors

_SHOWN = 8
_WIDEST = 60


class CompletingPanel(Panel[None]):
    """A line of input over the footer that tab completes.

    What can come next stands above it, or else what can be written at all.
    """

    class ColumnsKnown(Message):
        """The columns of the table at hand have been read."""

    LABEL: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", priority=True),
        Binding("tab", "complete(1)", "Complete", priority=True),
        Binding("shift+tab", "complete(-1)", "Complete backwards", priority=True),
    ]
    DEFAULT_CSS = """
    CompletingPanel { align: left bottom; background: transparent; }
    CompletingPanel > Vertical { height: auto; }
    CompletingPanel #above { height: auto; max-height: 10; background: $panel; padding: 0 1; display: none; }
    CompletingPanel #above.-filled { display: block; }
    CompletingPanel Horizontal { height: 1; background: $panel; padding: 0 1; }
    CompletingPanel Label { color: $accent; text-style: bold; }
    CompletingPanel Input, CompletingPanel Input:focus {
        border: none; padding: 0; height: 1; background: $panel; width: 1fr;
    }
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = text
        self.offers: list[Completion] = []
        self._chosen = -1
        self._completing = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(id="above")
            with Horizontal():
                yield Label(self.LABEL)
                yield LineEntry(self._text[:LINE], select_on_focus=False)

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    def say(self, content: Content | str) -> None:
        """Put something above the line; with nothing, remove it."""
        above = self.query_one("#above", Static)
        above.set_class(bool(content), "-filled")
        above.update(content)

    def write(self, text: str) -> None:
        """Replace the line and put the cursor at its end."""
        text = text[:LINE]
        self.input.value = text
        self.input.cursor_position = len(text)

    def completions(self, line: str) -> list[Completion]:
        """The lines that continue one."""
        raise NotImplementedError

    def usage(self) -> list[Content]:
        """What is said where nothing can be offered."""
        raise NotImplementedError

    def on_mount(self) -> None:
        # A panel that is closed as soon as it is opened has lost its parts by now.
        if self.query(Input):
            self.offer()
            self._ask_for_columns()

    @work(thread=True, group="columns", exit_on_error=False)
    def _ask_for_columns(self) -> None:
        """Have the columns of the table at hand, which some commands take."""
        with suppress(*outside_errors()):
            self.bench.columns(self.bench.focus)
            self.post_message(self.ColumnsKnown())

    @on(Input.Changed)
    def _offer_typed(self) -> None:
        if self._completing:
            self._completing = False
        else:
            self.offer()

    def action_complete(self, by: int) -> None:
        if not self.offers:
            return
        start = -1 if by > 0 else 0
        self._chosen = (self._chosen + by) % len(self.offers) if self._chosen >= 0 else (start + by) % len(self.offers)
        line = self.offers[self._chosen].line
        alone = len(self.offers) == 1
        if line != self.input.value:
            self._completing = not alone
            self.write(line + (" " if alone and not line.endswith("/") else ""))
        self._show_offers()

    def offer(self) -> None:
        """Show what can come next."""
        try:
            self.offers = self.completions(self.input.value)
        except outside_errors():
            self.offers = []  # A line can be typed without help.
        self._chosen = -1
        self._show_offers()

    def _show_offers(self) -> None:
        first = max(0, min(self._chosen - _SHOWN // 2, len(self.offers) - _SHOWN))
        lines = []
        width = min(_WIDEST, max((len(o.line) for o in self.offers), default=0))
        for index, offer in enumerate(self.offers[first : first + _SHOWN], start=first):
            style = "reverse" if index == self._chosen else ""
            lines.append(
                Content.assemble((f" {fit(visible(offer.line), width)} ", style), ("  " + offer.help, "$muted"))
            )
        if len(self.offers) > _SHOWN:
            lines.append(Content.styled(f" {len(self.offers)} in all; tab goes through them", "$muted"))
        self.say(Content("\n").join(lines or self.usage()))
