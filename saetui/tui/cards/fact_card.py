"""A card of text about one thing, whose facts are read beside the interface."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.color import Color
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from saetui.tui.cards.latest_read import LatestRead
from saetui.tui.delay import SlowRead
from saetui.tui.explained import Explained
from saetui.tui.table.row_window import RowSource

S = TypeVar("S")
F = TypeVar("F")
READING = "reading…"


@dataclass
class _Read(Message, Generic[S, F]):
    subject: S
    facts: F | None
    error: str


class FactCard(VerticalScroll, Generic[S, F], can_focus=True):
    """Reads the facts of a subject in a thread, drops what was asked for before, and draws them in its width.

    A subclass gives ``UNCHOSEN``, ``UNKNOWN``, ``title`` and ``lines``, and asks for subjects. Until the facts of a
    subject have come the card is about the one before, ``shown``, and says that it reads where that takes long.
    """

    # What the card says before anything is chosen, and where the store knows nothing about the subject.
    UNCHOSEN: ClassVar[str]
    UNKNOWN: ClassVar[str]
    ALLOW_MAXIMIZE = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"fact-card--heat"}
    DEFAULT_CSS = """
    FactCard {
        border-top: solid $foreground 20%;
        border-title-color: $text-muted;
        border-title-background: transparent;
        padding: 0 1;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        scrollbar-background: $background;
        scrollbar-color: $foreground 25%;
        & > .fact-card--heat { color: $warning; }
        & > Static { height: auto; width: 1fr; link-style: none; link-color: $text; link-background: transparent; }
        &:focus { border-top: solid $accent; border-title-color: $accent; }
    }
    """

    def __init__(
        self,
        reader: RowSource,
        read: Callable[[RowSource, S], F | None],
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.facts: F | None = None
        self.asked: S | None = None
        self.shown: S | None = None
        self._wait = SlowRead(self, self.draw)
        self._reading: LatestRead[S, F | None] = LatestRead(
            reader, read, lambda subject, facts, error: self.post_message(_Read(subject, facts, error))
        )
        self._said = ""

    def compose(self) -> ComposeResult:
        yield Static()

    # What a card is about

    def title(self) -> Content:
        """The title, of ``self.facts`` or of ``self.shown``; either may be None."""
        raise NotImplementedError

    def lines(self, facts: F, width: int, background: Color, heat: Color) -> list[Content]:
        """The text in lines of at most ``width`` cells; ``heat`` is the full colour of a number."""
        raise NotImplementedError

    def is_complete(self, subject: S) -> bool:
        """Whether the subject says enough to be read."""
        return subject is not None

    def is_same(self, before: F, now: F) -> bool:
        """Whether both are about the same thing, so that the card keeps its scroll position."""
        return before is now

    def explained(self) -> list[Explained]:
        """The numbers that the card shows, with their terms in the glossary."""
        return []

    def facts_changed(self) -> None:
        """Called when ``self.facts`` has changed."""

    # Plumbing

    def ask(self, subject: S | None, *, again: bool = False) -> None:
        """Show a subject, or nothing; ``again`` reads it again although it is shown already."""
        if subject == self.asked and not again:
            return
        self.asked = subject
        if subject is None or not self.is_complete(subject):
            self.facts, self.shown, self._said = None, subject, ""
            self._wait.end()
            self.draw()
            self.facts_changed()
            return
        if not self.is_reading and self.is_attached:
            self._wait.begin()
            if self.facts is None:
                self.draw()
        if self._reading.want(subject):
            self.run_worker(self._reading.run, name="facts of a card", group="fact-card", thread=True)

    @property
    def is_reading(self) -> bool:
        """Whether the facts of what was asked for have yet to come."""
        return self._wait.is_under_way

    @on(_Read)
    def _facts_read(self, message: _Read[S, F]) -> None:
        message.stop()
        if message.subject != self.asked:
            return
        self._wait.end()
        self.shown = message.subject
        self._said = message.error or ("" if message.facts else self.UNKNOWN)
        before, self.facts = self.facts, message.facts
        self.draw()
        if before is None or self.facts is None or not self.is_same(before, self.facts):
            self.scroll_home(animate=False)
        self.facts_changed()

    def halt_reads(self) -> bool:
        """Stop a slow read in progress; return whether there was one."""
        return self._reading.halt()

    def on_unmount(self) -> None:
        self._reading.stop()

    def on_resize(self) -> None:
        self.draw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self.draw()

    def draw(self) -> None:
        """Draw the facts again, for another width or with other settings."""
        if not self.is_attached or not self.children:
            return
        text = self.query_one(Static)
        title = self.title()
        self.border_title = Content.assemble(title, f" · {READING}") if self.is_reading else title
        if self.facts is None:
            text.update(Content.styled(self._said or (READING if self.is_reading else self.UNCHOSEN), "dim"))
            return
        width = max(20, self.scrollable_content_region.width)
        background, heat = self.background_colors[1], self.get_component_styles("fact-card--heat").color
        text.update(Content("\n").join(self.lines(self.facts, width, background, heat)))
