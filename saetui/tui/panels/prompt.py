"""The line at the bottom: ``:`` takes a command, with completion and history; ``/`` a filter that acts at once."""

from contextlib import suppress
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from saetui.commands.completion import Completion, completions, explained
from saetui.commands.dispatch import require_here
from saetui.commands.parse import find
from saetui.commands.table import Filter
from saetui.commands.vocabulary import commands
from saetui.tui.drawing.fit import fit
from saetui.tui.panels.base import Panel
from saetui.tui.panels.entry import LINE, LineEntry
from saetui.tui.panels.prompt_history import PromptHistory
from saetui.visible import visible_lines
from saetui.workbench.trouble import outside_errors, told
from saetui.workbench.workbench import Workbench

_SHOWN = 8
_WIDEST = 60
_FILTER_PATIENCE = 0.15


class LinePanel(Panel[None]):
    """A line of input over the footer, with room above it for what helps."""

    LABEL: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close", priority=True)]
    DEFAULT_CSS = """
    LinePanel { align: left bottom; background: transparent; }
    LinePanel > Vertical { height: auto; }
    LinePanel #above { height: auto; max-height: 10; background: $panel; padding: 0 1; display: none; }
    LinePanel #above.-filled { display: block; }
    LinePanel Horizontal { height: 1; background: $panel; padding: 0 1; }
    LinePanel Label { color: $accent; text-style: bold; }
    LinePanel Input, LinePanel Input:focus { border: none; padding: 0; height: 1; background: $panel; width: 1fr; }
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = text

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


class PromptPanel(LinePanel):
    """``:`` any command."""

    class ColumnsKnown(Message):
        """The columns of the table at hand have been read."""

    LABEL = ":"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete(1)", "Complete", priority=True),
        Binding("shift+tab", "complete(-1)", "Complete backwards", priority=True),
        Binding("up", "recall(-1)", "Earlier command"),
        Binding("down", "recall(1)", "Later command"),
    ]

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self._history = PromptHistory()
        self._offers: list[Completion] = []
        self._chosen = -1
        self._completing = False

    def on_mount(self) -> None:
        # A panel that is closed as soon as it is opened has lost its parts by now.
        if self.query(Input):
            self._offer()
            self._ask_for_columns()

    @work(thread=True, group="columns", exit_on_error=False)
    def _ask_for_columns(self) -> None:
        """Have the columns of the table at hand, which some commands take."""
        with suppress(*outside_errors()):
            self.bench.columns(self.bench.focus)
            self.post_message(self.ColumnsKnown())

    @on(Input.Changed)
    def _typed(self) -> None:
        if self._completing:
            self._completing = False
        else:
            self._offer()

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        line = event.value.strip().removeprefix(":")
        if not line:
            self.dismiss()
            return
        try:
            cls = find(line.split()[0])
            as_key = len(line.split()) == 1 and (cls.asks or cls.verb == "leave")
            if as_key:
                require_here(self.bench, cls)
            prepared = None if as_key else await self.workbench_app.prepared(line)
        except outside_errors() as problem:
            if self.is_current:
                self.say(Content.styled(told(problem), "$error"))
            return
        if not self.is_current:
            return  # Closed while the store was asked.
        self._history.add(line)
        self.dismiss()
        # The panel closes first, so that a command may open another one.
        if prepared is None:
            self.app.call_later(self.workbench_app.action_command, cls.verb)
        else:
            self.app.call_later(self.workbench_app.perform, prepared)

    def action_complete(self, by: int) -> None:
        if not self._offers:
            return
        start = -1 if by > 0 else 0
        self._chosen = (
            (self._chosen + by) % len(self._offers) if self._chosen >= 0 else (start + by) % len(self._offers)
        )
        line = self._offers[self._chosen].line
        alone = len(self._offers) == 1
        if line != self.input.value:
            self._completing = not alone
            self.write(line + (" " if alone and not line.endswith("/") else ""))
        self._show_offers()

    def action_recall(self, by: int) -> None:
        line = self._history.step(by, self.input.value)
        if line is not None:
            self.write(line)

    @on(ColumnsKnown)
    def _offer_arguments(self) -> None:
        if self.query(Input) and " " in self.input.value and not self._offers:
            self._offer()

    def _offer(self) -> None:
        line = self.input.value.lstrip()
        try:
            # Columns can be arguments; until they are known, only verbs are offered.
            known = " " not in line or self.bench.known_columns(self.bench.focus)
            self._offers = completions(line, self.bench) if known else []
        except outside_errors():
            self._offers = []  # A line can be typed without help.
        self._chosen = -1
        self._show_offers()

    def _show_offers(self) -> None:
        first = max(0, min(self._chosen - _SHOWN // 2, len(self._offers) - _SHOWN))
        lines = []
        width = min(_WIDEST, max((len(o.line) for o in self._offers), default=0))
        for index, offer in enumerate(self._offers[first : first + _SHOWN], start=first):
            style = "reverse" if index == self._chosen else ""
            lines.append(Content.assemble((f" {fit(offer.line, width)} ", style), ("  " + offer.help, "$muted")))
        if not lines:
            lines = self._usage()
        if len(self._offers) > _SHOWN:
            lines.append(Content.styled(f" {len(self._offers)} in all; tab goes through them", "$muted"))
        self.say(Content("\n").join(lines))

    def _usage(self) -> list[Content]:
        """How the command in the line is written, where nothing can be offered."""
        verb, _, _ = self.input.value.strip().partition(" ")
        cls = commands().get(verb)
        if cls is None:
            return []
        helps = [f"   {name}: {text}" for name, text in explained(self.input.value)]
        first = Content.assemble(f" {cls.usage()}  ", (cls.summary, "$muted"))
        return [first, *(Content.styled(h, "$muted") for h in helps)]


class FilterPanel(LinePanel):
    """``/`` a filter of the focused table; escape brings the one before back."""

    LABEL = "/"

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench.tables[bench.focus].filter)
        self._timer: Timer | None = None

    @on(Input.Changed)
    def _typed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_FILTER_PATIENCE, self._try)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if self._try(event.value):
            self.dismiss()
            self.app.call_later(self.workbench_app.dispatch, Filter(event.value.strip(), table=self.bench.focus))

    def action_close(self) -> None:
        self._try(self.bench.tables[self.bench.focus].filter)
        self.dismiss()

    def _try(self, text: str | None = None) -> bool:
        problem = self.workbench_app.front_screen.try_filter(
            self.bench.focus, self.input.value if text is None else text
        )
        self.say(Content.styled(visible_lines(problem), "$error") if problem else "")
        return not problem
