"""The card of one token in its text: its error in every SAE, and the latents that fire on it."""

from dataclasses import dataclass

from textual.color import Color
from textual.content import Content
from textual.message import Message

from saetui.tui.cards.fact_card import FactCard
from saetui.tui.cards.place_facts import PlaceFacts, PlaceSubject, read_place
from saetui.tui.cards.place_text import place_explained, place_lines
from saetui.tui.cards.scroll_box import ScrollBox
from saetui.tui.explained import Explained
from saetui.tui.table.row_window import RowSource
from saetui.visible import visible_token


class PlaceCard(FactCard[PlaceSubject, PlaceFacts], ScrollBox):
    """Shows a token in its text."""

    UNCHOSEN, UNKNOWN = "choose a token", "the text has no token there"

    @dataclass
    class PlaceRead(Message):
        """The token has been read; None where there is none."""

        facts: PlaceFacts | None

    def __init__(self, reader: RowSource, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(reader, read_place, id=id)

    def show(self, subject: PlaceSubject | None, *, again: bool = False) -> None:
        """Show a token; ``again`` reads it again although it is shown already."""
        self.ask(subject, again=again)

    def title(self) -> Content:
        return Content("token" if self.facts is None else f"token {visible_token(self.facts.token['surface'])}")

    def lines(self, facts: PlaceFacts, width: int, background: Color, heat: Color) -> list[Content]:
        current = self.shown.asked.get("sae") if self.shown is not None else None
        return place_lines(facts, width, background, heat, current=current)

    def explained(self) -> list[Explained]:
        current = self.asked.asked.get("sae") if self.asked is not None else None
        return [] if self.facts is None else place_explained(self.facts, current)

    def facts_changed(self) -> None:
        self.post_message(self.PlaceRead(self.facts))
