"""The card of one word in the absorption study, and the latent of it that is looked at."""

from collections.abc import Mapping
from typing import Any

from textual.color import Color
from textual.content import Content

from saetui.tui.cards.case_facts import CaseFacts, CaseSubject, read_case
from saetui.tui.cards.case_text import case_explained, case_lines
from saetui.tui.cards.fact_card import FactCard
from saetui.tui.cards.scroll_box import ScrollBox
from saetui.tui.explained import Explained
from saetui.tui.table.row_window import RowSource
from saetui.visible import visible_token


class CaseCard(FactCard[CaseSubject, CaseFacts], ScrollBox):
    """Shows a word with its verdict, by the thresholds that hold."""

    UNCHOSEN, UNKNOWN = "choose a word", "not among the words that were judged"

    def __init__(self, reader: RowSource, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(reader, read_case, id=id)
        self._doing = ""

    def show(
        self,
        asked: Mapping[str, Any],
        *,
        latent: int | None = None,
        place: tuple[int, int] | None = None,
        again: bool = False,
    ) -> None:
        """Show a word, and one of its latents or occurrences; ``again`` reads it again although it is shown already."""
        self.ask(CaseSubject(dict(asked), latent, place), again=again)

    def tell(self, doing: str) -> None:
        """What is being done for this word now, e.g. how far its ablation is."""
        if doing != self._doing:
            self._doing = doing
            self.draw()

    def title(self) -> Content:
        token = self.shown.asked.get("token") if self.shown is not None else None
        return Content("word" if token is None else f"word {visible_token(str(token))}")

    def lines(self, facts: CaseFacts, width: int, background: Color, heat: Color) -> list[Content]:
        metric = str(self.shown.asked["metric"]) if self.shown is not None else ""
        return case_lines(facts, width, background, heat, metric=metric, doing=self._doing)

    def explained(self) -> list[Explained]:
        return [] if self.facts is None else case_explained(self.facts)

    def is_complete(self, subject: CaseSubject) -> bool:
        return all(subject.asked.get(name) for name in ("sae", "letter", "token"))

    def is_same(self, before: CaseFacts, now: CaseFacts) -> bool:
        return bool(before.case["surface"] == now.case["surface"])
