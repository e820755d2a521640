"""Messages of the app: an event of the workbench, and how busy the devices are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from saetui.workbench.events import Event, JobsEvent

if TYPE_CHECKING:
    from saetui.jobs.devices import Device


@dataclass
class BenchEvent(Message, bubble=False):
    """An event of the workbench: on its way to the interface's own thread, and from the app to the screen in front."""

    event: Event

    def can_replace(self, message: Message) -> bool:
        """Of jobs that moved on and moved on again, a screen need hear once only."""
        return isinstance(message, BenchEvent) and isinstance(self.event, JobsEvent) and message.event == self.event


@dataclass
class DevicesSeen(Message):
    """How busy the devices are now."""

    devices: tuple[Device, ...]
