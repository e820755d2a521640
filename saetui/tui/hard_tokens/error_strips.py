"""One text, a line for every SAE, with its tokens coloured by the error that the SAE leaves on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

from saetui.tui.cards.place_facts import PlaceFacts, in_unit
from saetui.tui.drawing.fit import fit
from saetui.tui.drawing.heat import heat_look
from saetui.tui.drawing.token_strip import StripToken, token_strip
from saetui.tui.explained import Explained
from saetui.tui.hard_tokens.columns import DIGITS
from saetui.tui.table.column import ABSENT
from saetui.visible import visible, visible_token

_LABEL = 11
_FOCUS = Style(bold=True, underline=True, dim=False)
_CHANGE, _NONLINEAR, _COST = "wider", "nonlinear", "CE+"


class ErrorStrips(Widget, can_focus=True):
    """Strips of the SAEs in view, all on one scale; below them what width changes, and more of the current SAE."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"error-strips--heat"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "step(-1)", "Token before", show=False),
        Binding("l,right", "step(1)", "Next token", show=False),
    ]
    DEFAULT_CSS = """
    ErrorStrips {
        border-top: solid $foreground 20%;
        border-title-color: $text-muted;
        border-title-background: transparent;
        padding: 0 1;
        & > .error-strips--heat { color: $warning; }
        &:focus { border-top: solid $accent; border-title-color: $accent; }
    }
    """

    @dataclass
    class Stepped(Message):
        """Asks to see another token of the text."""

        context: int
        position: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._facts: PlaceFacts | None = None
        self._in_view: Sequence[str] = ()
        self._current: str | None = None
        self._unit, self._unit_name = "norm", ""

    def show(
        self, facts: PlaceFacts | None, *, in_view: Sequence[str], current: str | None, unit: str, unit_name: str
    ) -> None:
        """Show a text around a token: the SAEs ``in_view``, and more of the ``current`` one."""
        self._facts, self._in_view, self._current = facts, in_view, current
        self._unit, self._unit_name = unit, unit_name
        self.border_title = self._titled()
        self.refresh()

    def explained(self) -> Explained:
        """The error of the current SAE, or else the widest, on the token that is looked at."""
        term, facts = f"token_error_{self._unit}", self._facts
        if facts is None or not facts.has_errors:
            return Explained(term)
        saes = list(enumerate(facts.saes))
        i, name = next(
            ((i, name) for i, (sae_id, name) in saes if sae_id == self._current), (saes[-1][0], saes[-1][1][1])
        )
        value = in_unit(facts.token["error_norm"][i], self._unit, facts.token)
        written = ABSENT if value is None else format(value, DIGITS[self._unit])
        return Explained(term, written, f"token {visible_token(facts.token['surface'])} in {name}")

    def _titled(self) -> Content:
        facts = self._facts
        if facts is None:
            return Content("context")
        step = Content.assemble("  ", ("h l", "bold"), " another token") if self.has_focus else Content("")
        return Content.assemble(f"context {facts.context:,} by {self._unit_name}", step)

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        self.border_title = self._titled()

    def action_step(self, by: int) -> None:
        """Look at the next token that the study measured, on one side."""
        facts = self._facts
        if facts is None:
            return
        index = facts.index + by
        while 0 <= index < len(facts.tokens) and facts.tokens[index]["error_norm"] is None:
            index += by
        if 0 <= index < len(facts.tokens):
            self.post_message(self.Stepped(facts.context, facts.tokens[index]["position"]))

    def render(self) -> Content:
        facts = self._facts
        if facts is None:
            return Content.styled("choose a token", "dim")
        saes = [(i, sae_id, name) for i, (sae_id, name) in enumerate(facts.saes)]
        seen = [sae for sae in saes if not self._in_view or sae[1] in self._in_view] or saes
        errors = {i: self._errors(facts, i) for i, _, _ in seen}
        top = max((value for column in errors.values() for value in column if value is not None), default=0.0)
        strips = [
            self._strip(name, errors[i], top, "bold" if sae_id == self._current else "") for i, sae_id, name in seen
        ]
        first, last = seen[0][0], seen[-1][0]
        if first != last:
            changes = [
                None if narrow is None or wide is None else wide - narrow
                for narrow, wide in zip(errors[first], errors[last], strict=True)
            ]
            strips.append(self._strip(_CHANGE, changes, max(map(abs, filter(None, changes)), default=0.0), "dim"))
        own = next((i for i, sae_id, _ in saes if sae_id == self._current), last)
        strips.append(self._strip(_NONLINEAR, self._nonlinear(facts, own), 1.0, "dim"))
        costs = self._costs(facts, own)
        if any(cost is not None for cost in costs):
            strips.append(self._strip(_COST, costs, max(map(abs, filter(None, costs)), default=0.0), "dim"))
        height = max(1, self.content_size.height)
        if height > len(strips) + 2:
            name = facts.saes[own][1]
            strips += [Content(""), Content.styled(f"the text, by {name}", "dim")]
            strips += self._text(errors.get(own) or self._errors(facts, own), top, height - len(strips))
        return Content("\n").join(strips[:height])

    def _text(self, errors: Sequence[float | None], top: float, height: int) -> list[Content]:
        """As many lines of the text as there is room for, with the token on one of them."""
        facts = self._facts
        assert facts is not None
        background, strong = self.background_colors[1], self.get_component_styles("error-strips--heat").color
        lines: list[list[tuple[str, Style]]] = [[]]
        used, focus_line = 0, 0
        for index, (row, error) in enumerate(zip(facts.tokens, errors, strict=True)):
            text = visible(row["surface"])
            cells = cell_len(text)
            if used and used + cells > self.content_size.width:
                lines.append([])
                used = 0
            used += cells
            focus_line = len(lines) - 1 if index == facts.index else focus_line
            shade = heat_look(error / top if error and top else 0.0, background, strong)
            style = shade if error is not None else Style(dim=True)
            lines[-1].append((text, style + _FOCUS if index == facts.index else style))
        first = max(0, min(focus_line - height // 2, len(lines) - height))
        return [Content.assemble(*line) for line in lines[first : first + height]]

    def _errors(self, facts: PlaceFacts, i: int) -> list[float | None]:
        return [
            None if row["error_norm"] is None else in_unit(row["error_norm"][i], self._unit, row)
            for row in facts.tokens
        ]

    def _nonlinear(self, facts: PlaceFacts, i: int) -> list[float | None]:
        """The nonlinear part's share of the squared error, where that is not negligible."""
        return [None if row["nonlinear_shares"] is None else row["nonlinear_shares"][i] for row in facts.tokens]

    def _costs(self, facts: PlaceFacts, i: int) -> list[float | None]:
        """What the SAE adds to the loss, nats."""
        return [
            None if row["loss"] is None or row["clean_loss"] is None else float(row["loss"][i] - row["clean_loss"])
            for row in facts.tokens
        ]

    def _strip(self, label: str, values: Sequence[float | None], top: float, style: str) -> Content:
        facts = self._facts
        assert facts is not None
        tokens = [StripToken(row["surface"], value) for row, value in zip(facts.tokens, values, strict=True)]
        room = max(1, self.content_size.width - _LABEL)
        strong = self.get_component_styles("error-strips--heat").color
        line = token_strip(
            tokens, room, top=top, focus=facts.index, background=self.background_colors[1], strong=strong
        )
        return Content.assemble((fit(label, _LABEL - 1).ljust(_LABEL), style), line)
