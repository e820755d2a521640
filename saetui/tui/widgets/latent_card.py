"""The card of one latent: what it fires on, what it promotes, what points the same way, and notes on it."""

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from saetui.tui.widgets.latent_facts import LatentFacts, read_latent
from saetui.tui.widgets.latent_text import card_lines
from saetui.tui.widgets.latest_read import LatestRead
from saetui.tui.widgets.row_window import Reader


@dataclass(frozen=True)
class _Subject:
    sae_id: str
    latent: int


class LatentCard(VerticalScroll, can_focus=True):
    """Shows a latent; reads it in a thread, and drops what was asked for before."""

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "End", show=False),
        Binding("ctrl+d,ctrl+f", "page_down", "Page down", show=False),
        Binding("ctrl+u,ctrl+b", "page_up", "Page up", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"latent-card--heat"}
    DEFAULT_CSS = """
    LatentCard {
        border-top: solid $foreground 20%;
        border-title-color: $text-muted;
        border-title-background: transparent;
        padding: 0 1;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        scrollbar-background: $background;
        scrollbar-color: $foreground 25%;
        & > .latent-card--heat { color: $warning; }
        & > Static { height: auto; width: 1fr; link-style: none; link-color: $text; link-background: transparent; }
        &:focus { border-top: solid $accent; border-title-color: $accent; }
    }
    """

    @dataclass
    class _Read(Message):
        subject: _Subject
        facts: LatentFacts | None
        error: str = ""

    def __init__(
        self,
        reader: Reader,
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.facts: LatentFacts | None = None
        self._reading: LatestRead[_Subject, LatentFacts | None] = LatestRead(
            reader,
            lambda reader, subject: read_latent(reader, subject.sae_id, subject.latent),
            lambda subject, facts, error: self.post_message(self._Read(subject, facts, error)),
        )
        self._letter: str | None = None
        self._asked: _Subject | None = None
        self._said = ""

    def compose(self) -> ComposeResult:
        yield Static(id="latent-card-text")

    def show(self, sae_id: str | None, latent: int | None, letter: str | None = None, *, again: bool = False) -> None:
        """Show a latent; ``again`` reads it anew although it is shown already."""
        if letter != self._letter:
            self._letter = letter
            self._draw()
        if sae_id is None or latent is None:
            self._asked, self.facts, self._said = None, None, ""
            self._draw()
            return
        subject = _Subject(sae_id, latent)
        if subject == self._asked and not again:
            return
        self._asked = subject
        if self._reading.want(subject):
            self.run_worker(self._reading.run, name="latent card", group="latent-card", thread=True)

    def on_latent_card__read(self, message: _Read) -> None:
        message.stop()
        if message.subject != self._asked:
            return
        self._said = message.error or ("" if message.facts else "no statistics of this latent in the store")
        moved = self.facts is None or message.facts is None or self.facts.latent != message.facts.latent
        self.facts = message.facts
        self._draw()
        if moved:
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
        text = self.query_one("#latent-card-text", Static)
        facts = self.facts
        if facts is None:
            subject = self._asked
            self.border_title = f"latent {subject.latent}" if subject else "latent"
            text.update(Content.styled(self._said or "choose a latent", "dim"))
            return
        width = max(20, self.scrollable_content_region.width)
        background, heat = self.background_colors[1], self.get_component_styles("latent-card--heat").color
        lines = card_lines(facts, width, background, heat, self._letter)
        self.border_title = Content(f"latent {facts.latent} · {facts.sae}")
        text.update(Content("\n").join(lines))
