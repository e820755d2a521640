"""What the workbench tells those who watch it."""

from dataclasses import dataclass

from saetui.workbench.attention import Attention
from saetui.workbench.subject import Subject


@dataclass(frozen=True)
class Event:
    """Base of what a listener receives."""


@dataclass(frozen=True)
class AttentionEvent(Event):
    """Another SAE, letter, latent, token, or another set in view."""

    before: Attention
    after: Attention


@dataclass(frozen=True)
class ScreenEvent(Event):
    """Another screen is in front."""

    screen: str


@dataclass(frozen=True)
class TableEvent(Event):
    """Filter, sorting or focus of a table changed."""

    table: str


@dataclass(frozen=True)
class MarksEvent(Event):
    """A mark was set or removed."""


@dataclass(frozen=True)
class NoteEvent(Event):
    """The text of a note is in the store; an empty one is removed from it."""

    subject: Subject
    text: str


@dataclass(frozen=True)
class StoreEvent(Event):
    """The store has new rows."""

    revision: int


@dataclass(frozen=True)
class JobsEvent(Event):
    """A job was added, moved on or ended."""


@dataclass(frozen=True)
class NoticeEvent(Event):
    """Something to tell the person; severity is "information", "warning" or "error"."""

    text: str
    severity: str = "information"
