"""The card of one token in its text: its error in every SAE, and the latents that fire on it."""

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from saetui.tui.widgets.latest_read import LatestRead
from saetui.tui.widgets.place_facts import PlaceFacts, PlaceSubject, read_place
from saetui.tui.widgets.place_text import place_lines
from saetui.tui.widgets.reading import Reading
from saetui.tui.widgets.row_window import Reader
from saetui.tui.widgets.visible import visible_token


class PlaceCard(Reading, can_focus=True):
    """Shows a token; reads it in a thread, and drops what was asked for before."""

    ALLOW_MAXIMIZE = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"place-card--heat"}
    DEFAULT_CSS = """
    PlaceCard {
        border-top: solid $foreground 20%;
        border-title-color: $text-muted;
        border-title-background: transparent;
        padding: 0 1;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        scrollbar-background: $background;
        scrollbar-color: $foreground 25%;
        & > .place-card--heat { color: $warning; }
        & > Static { height: auto; width: 1fr; }
        &:focus { border-top: solid $accent; border-title-color: $accent; }
    }
    """

    @dataclass
    class Known(Message):
        """The token has been read; None where there is none."""

        facts: PlaceFacts | None

    @dataclass
    class _Read(Message):
        subject: PlaceSubject
        facts: PlaceFacts | None
        error: str

    def __init__(self, reader: Reader, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.facts: PlaceFacts | None = None
        self._reading = LatestRead(
            reader, read_place, lambda subject, facts, error: self.post_message(self._Read(subject, facts, error))
        )
        self._asked: PlaceSubject | None = None
        self._said = ""

    def compose(self) -> ComposeResult:
        yield Static(id="place-card-text")

    def show(self, subject: PlaceSubject | None, *, again: bool = False) -> None:
        """Show a token; ``again`` reads it anew although it is shown already."""
        if subject == self._asked and not again:
            return
        self._asked = subject
        if subject is None:
            self.facts, self._said = None, ""
            self._draw()
            self.post_message(self.Known(None))
        elif self._reading.want(subject):
            self.run_worker(self._reading.run, name="place card", group="place-card", thread=True)

    def on_place_card__read(self, message: _Read) -> None:
        message.stop()
        if message.subject != self._asked:
            return
        self._said = message.error or ("" if message.facts else "the text has no token there")
        self.facts = message.facts
        self._draw()
        self.scroll_home(animate=False)
        self.post_message(self.Known(message.facts))

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
        text = self.query_one("#place-card-text", Static)
        facts = self.facts
        if facts is None or self._asked is None:
            self.border_title = Content("token")
            text.update(Content.styled(self._said or "choose a token", "dim"))
            return
        self.border_title = Content(f"token {visible_token(facts.token['surface'])}")
        width = max(20, self.scrollable_content_region.width)
        background, heat = self.background_colors[1], self.get_component_styles("place-card--heat").color
        lines = place_lines(facts, width, background, heat, current=self._asked.asked.get("sae"))
        text.update(Content("\n").join(lines))
