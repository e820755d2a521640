"""The card of one word in the absorption study, and the latent of it that is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from saetui.tui.widgets.case_facts import CaseFacts, CaseSubject, read_case
from saetui.tui.widgets.case_text import case_lines
from saetui.tui.widgets.latest_read import LatestRead
from saetui.tui.widgets.reading import Reading
from saetui.tui.widgets.row_window import Reader
from saetui.tui.widgets.visible import visible_token


class CaseCard(Reading, can_focus=True):
    """Shows a word; reads it in a thread, and drops what was asked for before."""

    ALLOW_MAXIMIZE = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"case-card--heat"}
    DEFAULT_CSS = """
    CaseCard {
        border-top: solid $foreground 20%;
        border-title-color: $text-muted;
        border-title-background: transparent;
        padding: 0 1;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        scrollbar-background: $background;
        scrollbar-color: $foreground 25%;
        & > .case-card--heat { color: $warning; }
        & > Static { height: auto; width: 1fr; link-style: none; link-color: $text; link-background: transparent; }
        &:focus { border-top: solid $accent; border-title-color: $accent; }
    }
    """

    @dataclass
    class _Read(Message):
        subject: CaseSubject
        facts: CaseFacts | None
        error: str

    def __init__(self, reader: Reader, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.facts: CaseFacts | None = None
        self._reading = LatestRead(
            reader, read_case, lambda subject, facts, error: self.post_message(self._Read(subject, facts, error))
        )
        self._asked: CaseSubject | None = None
        self._thresholds: Mapping[str, float] = {}
        self._doing = ""
        self._said = ""

    def compose(self) -> ComposeResult:
        yield Static(id="case-card-text")

    def show(
        self,
        asked: Mapping[str, Any],
        *,
        latent: int | None = None,
        place: tuple[int, int] | None = None,
        again: bool = False,
    ) -> None:
        """Show a word, and one of its latents or occurrences; ``again`` reads it anew although it is shown already."""
        subject = CaseSubject(dict(asked), latent, place)
        if subject == self._asked and not again:
            return
        self._asked = subject
        if not all(asked.get(name) for name in ("sae", "letter", "token")):
            self.facts, self._said = None, ""
            self._draw()
        elif self._reading.want(subject):
            self.run_worker(self._reading.run, name="case card", group="case-card", thread=True)

    def judge_by(self, thresholds: Mapping[str, float]) -> None:
        """The lead and min_cosine that hold, for the words around the numbers."""
        if thresholds != self._thresholds:
            self._thresholds = dict(thresholds)
            self._draw()

    def tell(self, doing: str) -> None:
        """What is being done for this word now, e.g. how far its ablation is."""
        if doing != self._doing:
            self._doing = doing
            self._draw()

    def on_case_card__read(self, message: _Read) -> None:
        message.stop()
        if message.subject != self._asked:
            return
        self._said = message.error or ("" if message.facts else "not among the words that were judged")
        before = self.facts.case["surface"] if self.facts is not None else None
        self.facts = message.facts
        self._draw()
        if message.facts is None or message.facts.case["surface"] != before:
            self.scroll_home(animate=False)

    def on_unmount(self) -> None:
        self._reading.stop()

    def on_resize(self) -> None:
        self._draw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        if not self.is_attached or not self.children:
            return
        text = self.query_one("#case-card-text", Static)
        facts, asked = self.facts, self._asked
        token = asked.asked.get("token") if asked is not None else None
        self.border_title = Content("word" if token is None else f"word {visible_token(str(token))}")
        if facts is None or asked is None:
            text.update(Content.styled(self._said or "choose a word", "dim"))
            return
        width = max(20, self.scrollable_content_region.width)
        background, heat = self.background_colors[1], self.get_component_styles("case-card--heat").color
        metric = str(asked.asked["metric"])
        lines = case_lines(
            facts, width, background, heat, metric=metric, thresholds=self._thresholds, doing=self._doing
        )
        text.update(Content("\n").join(lines))
