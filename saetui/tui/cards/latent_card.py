"""The card of one latent: what it fires on, what it promotes, what points the same way, and notes on it."""

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.color import Color
from textual.content import Content

from saetui.tui.cards.fact_card import FactCard
from saetui.tui.cards.latent_facts import LatentFacts, read_latent
from saetui.tui.cards.latent_text import card_lines
from saetui.tui.table.row_window import RowSource


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

    def show(self, sae_id: str | None, latent: int | None, letter: str | None = None, *, again: bool = False) -> None:
        """Show a latent; ``again`` reads it again although it is shown already."""
        if letter != self._letter:
            self._letter = letter
            self.draw()
        self.ask(None if sae_id is None or latent is None else _Subject(sae_id, latent), again=again)

    def title(self) -> Content:
        if self.facts is not None:
            return Content(f"latent {self.facts.latent} · {self.facts.sae}")
        return Content("latent" if self.asked is None else f"latent {self.asked.latent}")

    def lines(self, facts: LatentFacts, width: int, background: Color, heat: Color) -> list[Content]:
        return card_lines(facts, width, background, heat, self._letter)

    def is_same(self, before: LatentFacts, now: LatentFacts) -> bool:
        return before.latent == now.latent


def _read(reader: RowSource, subject: _Subject) -> LatentFacts | None:
    return read_latent(reader, subject.sae_id, subject.latent)
