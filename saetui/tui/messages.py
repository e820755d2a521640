"""Messages that the app posts to the screen in front when the workbench has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from saetui.workbench.attention import Attention
from saetui.workbench.events import Event

if TYPE_CHECKING:
    from saetui.jobs.devices import Device


@dataclass
class BenchEvent(Message):
    """An event of the workbench on its way to the interface's own thread."""

    event: Event


@dataclass
class AttentionChanged(Message):
    """Another SAE, letter, latent, token, or another set in view."""

    before: Attention
    after: Attention


class StoreChanged(Message):
    """The store has new rows, or other marks."""


class JobsChanged(Message):
    """A job was added, moved on or ended."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, JobsChanged)


@dataclass
class TableChanged(Message):
    """Filter or sorting of a table, or which table has the focus."""

    table: str


@dataclass
class DevicesSeen(Message):
    """How busy the devices are now."""

    devices: tuple[Device, ...]
