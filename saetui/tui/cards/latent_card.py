"""The card of one latent: what it fires on, what it promotes, what points the same way, and notes on it."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, cast

from textual import events, on
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.content import Content, Span
from textual.style import Style

from saetui.tui.cards.fact_card import FactCard
from saetui.tui.cards.latent_facts import LatentFacts, read_latent
from saetui.tui.cards.latent_text import card_lines, command_to, latent_explained, neighbours_in_order
from saetui.tui.explained import Explained
from saetui.tui.table.row_window import RowSource


class _App(Protocol):
    def action_command(self, text: str) -> None: ...


@dataclass(frozen=True)
class _Subject:
    sae_id: str
    latent: int


class LatentCard(FactCard[_Subject, LatentFacts]):
    """Shows a latent of an SAE, and what it has to do with a letter."""

    UNCHOSEN, UNKNOWN = "choose a latent", "no statistics of this latent in the store"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("l,right", "near(1)", "Next of the nearest latents", show=False),
        Binding("h,left", "near(-1)", "The one before of the nearest latents", show=False),
        Binding("enter", "follow", "Go to the chosen one of the nearest latents", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "End", show=False),
        Binding("ctrl+d,ctrl+f", "page_down", "Page down", show=False),
        Binding("ctrl+u,ctrl+b", "page_up", "Page up", show=False),
    ]

    def __init__(
        self,
        reader: RowSource,
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(reader, _read, id=id, classes=classes)
        self._letter: str | None = None
        # The place of the chosen one of the nearest latents, and the line of the card that it stands on.
        self._near = -1
        self._near_line: int | None = None

    def show(self, sae_id: str | None, latent: int | None, letter: str | None = None, *, again: bool = False) -> None:
        """Show a latent; ``again`` reads it again although it is shown already."""
        if letter != self._letter:
            self._letter = letter
            self.draw()
        self.ask(None if sae_id is None or latent is None else _Subject(sae_id, latent), again=again)

    def title(self) -> Content:
        if self.facts is not None:
            return Content(f"latent {self.facts.latent} · {self.facts.sae}")
        return Content("latent" if self.shown is None else f"latent {self.shown.latent}")

    def lines(self, facts: LatentFacts, width: int, background: Color, heat: Color) -> list[Content]:
        lines = card_lines(facts, width, background, heat, self._letter, self._near if self.has_focus else None)
        self._near_line = next((i for i, line in enumerate(lines) if any(map(_is_chosen, line.spans))), None)
        return lines

    def facts_changed(self) -> None:
        if self._near >= 0:
            self._near = -1
            self.draw()

    @on(events.Focus)
    @on(events.Blur)
    def _focus_changed(self) -> None:
        self.draw()

    def action_near(self, by: int) -> None:
        """Choose another of the nearest latents; after the last comes the first."""
        count = len(self.facts.neighbours) if self.facts is not None else 0
        if not count:
            return
        self._near = (self._near + by) % count if self._near >= 0 else (0 if by > 0 else count - 1)
        self.draw()
        if self._near_line is not None:
            self.scroll_to(y=max(0, self._near_line - self.size.height // 2), animate=False)

    def action_follow(self) -> None:
        """Go to the chosen one of the nearest latents."""
        if self.facts is None or self._near < 0:
            raise SkipAction
        command = command_to(neighbours_in_order(self.facts)[self._near], self.facts, self._letter)
        if command is not None:
            cast(_App, self.app).action_command(command)

    def explained(self) -> list[Explained]:
        return [] if self.facts is None else latent_explained(self.facts, self._letter)

    def is_same(self, before: LatentFacts, now: LatentFacts) -> bool:
        return before.latent == now.latent


def _is_chosen(span: Span) -> bool:
    return isinstance(span.style, Style) and bool(span.style.reverse)


def _read(reader: RowSource, subject: _Subject) -> LatentFacts | None:
    return read_latent(reader, subject.sae_id, subject.latent)
