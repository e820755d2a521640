"""``:`` takes a command, with completion and history."""

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from saetui.commands.completion import Completion, completions, explained
from saetui.commands.dispatch import require_here
from saetui.commands.parse import find
from saetui.commands.vocabulary import commands
from saetui.tui.panels.line import CompletingPanel
from saetui.tui.panels.prompt_history import PromptHistory
from saetui.workbench.trouble import outside_errors, told


class PromptPanel(CompletingPanel):
    """``:`` any command."""

    LABEL = ":"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "Earlier command"),
        Binding("down", "recall(1)", "Later command"),
    ]

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self._history = PromptHistory()

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

    def action_recall(self, by: int) -> None:
        line = self._history.step(by, self.input.value)
        if line is not None:
            self.write(line)

    @on(CompletingPanel.ColumnsKnown)
    def _offer_arguments(self) -> None:
        if self.query(Input) and " " in self.input.value and not self.offers:
            self.offer()

    def completions(self, line: str) -> list[Completion]:
        line = line.lstrip()
        # Columns can be arguments; until they are known, only verbs are offered.
        known = " " not in line or self.bench.known_columns(self.bench.focus)
        return completions(line, self.bench) if known else []

    def usage(self) -> list[Content]:
        """How the command in the line is written, where nothing can be offered."""
        verb, _, _ = self.input.value.strip().partition(" ")
        cls = commands().get(verb)
        if cls is None:
            return []
        helps = [f"   {name}: {text}" for name, text in explained(self.input.value)]
        first = Content.assemble(f" {cls.usage()}  ", (cls.summary, "$muted"))
        return [first, *(Content.styled(h, "$muted") for h in helps)]
