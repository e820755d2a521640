"""Streams and events of a pretended GPU: they refuse what a real one lets happen, a result read before it is there.

Each operator takes one tick of its stream. A stream knows of another one up to the tick for which it has waited.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from .waits import line_of_ours


@dataclass(eq=False)
class Stream:
    """One queue of work; the host is one too, whose ticks nobody counts."""

    device: Any = None
    priority: int = 0
    ticks: int = 0
    known: dict["Stream", int] = field(default_factory=lambda: defaultdict(int))

    def past(self) -> dict["Stream", int]:
        """All that is done once this stream is where it is now."""
        return {**self.known, self: self.ticks}

    def learn(self, past: dict["Stream", int]) -> None:
        for stream, ticks in past.items():
            self.known[stream] = max(self.known[stream], ticks)

    def has_seen(self, stream: "Stream", ticks: int) -> bool:
        return stream is self or self.known[stream] >= ticks

    def wait_stream(self, other: "Stream") -> None:
        self.learn(other.past())

    def wait_event(self, event: "Event") -> None:
        self.learn(event.past)

    def record_event(self, event: "Event | None" = None) -> "Event":
        event = event or Event()
        event.record(self)
        return event

    def synchronize(self) -> None:
        from .machine import running

        running().waits.wait("synchronize")
        running().host.learn(self.past())


class Event:
    """A mark in a stream."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.past: dict[Stream, int] = {}

    def record(self, stream: Stream | None = None) -> None:
        from .machine import running

        self.past = (stream or running().stream).past()

    def wait(self, stream: Stream | None = None) -> None:
        from .machine import running

        (stream or running().stream).wait_event(self)

    def query(self) -> bool:
        from .machine import running

        running().host.learn(self.past)
        return True

    def synchronize(self) -> None:
        from .machine import running

        running().waits.wait("synchronize")
        running().host.learn(self.past)


@dataclass
class Memory:
    """A piece of memory, on the GPU or pinned: who wrote it last, and who has read it since."""

    written: tuple[Stream, int] | None = None
    read: dict[Stream, int] = field(default_factory=dict)

    def reading(self, stream: Stream) -> None:
        """Refuse where the last write may still be on its way to ``stream``."""
        if self.written is not None and not stream.has_seen(*self.written):
            raise RuntimeError(f"read on a stream that has not waited for the one that writes it ({line_of_ours()})")
        self.read[stream] = stream.ticks

    def writing(self, stream: Stream) -> None:
        """Refuse where another stream may still read or write."""
        if self.written is not None and not stream.has_seen(*self.written):
            raise RuntimeError(f"written on a stream that has not waited for the one before ({line_of_ours()})")
        for reader, ticks in self.read.items():
            if not stream.has_seen(reader, ticks):
                raise RuntimeError(f"written while another stream may still read it ({line_of_ours()})")
        self.read.clear()
        self.written = (stream, stream.ticks)
