"""``/`` takes a filter, which acts while it is typed, with completion and how it is written."""

from textual import on
from textual.content import Content
from textual.widgets import Input

from saetui.commands.completion import Completion
from saetui.commands.filter_completion import filter_completions
from saetui.commands.table import FILTER_USAGE, Filter
from saetui.tui.delay import Delay
from saetui.tui.panels.line import CompletingPanel
from saetui.visible import visible_lines
from saetui.workbench.workbench import Workbench

_FILTER_PATIENCE = 0.15


class FilterPanel(CompletingPanel):
    """``/`` a filter of the focused table; escape brings the one before back."""

    LABEL = "/"

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench.tables[bench.focus].filter)
        self._patience = Delay(self)
        self._problem = ""

    def completions(self, line: str) -> list[Completion]:
        known = self.bench.known_columns(self.bench.focus)
        named = self.bench.table.named_conditions(known)
        offers = filter_completions(line, known, named) if line.strip() else []
        return [Completion(*offer) for offer in offers]

    def usage(self) -> list[Content]:
        if self._problem:
            return [Content.styled(visible_lines(self._problem), "$error")]
        return [
            Content.assemble((f" {example:<34} ", "$accent"), (meaning, "$muted")) for example, meaning in FILTER_USAGE
        ]

    @on(CompletingPanel.ColumnsKnown)
    def _offer_columns(self) -> None:
        if self.query(Input) and not self._problem:
            self.offer()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._problem = ""
        self._patience.begin(_FILTER_PATIENCE, self._try)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self._patience.stop()
        if self._try(event.value):
            self.dismiss()
            self.app.call_later(self.workbench_app.dispatch, Filter(event.value.strip(), table=self.bench.focus))

    def action_close(self) -> None:
        self._patience.stop()
        self._try(self.bench.tables[self.bench.focus].filter)
        self.dismiss()

    def _try(self, text: str | None = None) -> bool:
        """Filter by the line, or by another text; whether it can be read."""
        self._problem = self.workbench_app.front_screen.try_filter(
            self.bench.focus, self.input.value if text is None else text
        )
        # While a name is typed the line is seldom a filter; what can come next says more then.
        if text is not None or not self.offers:
            self.say(Content("\n").join(self.usage()))
        return not self._problem
