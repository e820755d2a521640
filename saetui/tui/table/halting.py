"""Reads in threads that a person can stop: the reader, which stays stopped between two queries, and its widgets."""

from threading import Lock
from time import monotonic
from typing import Any, Protocol, runtime_checkable

from saetui.tui.table.row_window import ReadRows, RowSource
from store import QueryInterrupted

STOPPED = "stopped; another filter or order, or another choice, reads again"
# What takes less is done before a person could want it stopped.
SLOW_SECONDS = 0.4


@runtime_checkable
class HaltsReads(Protocol):
    """A widget with reads in a thread."""

    def halt_reads(self) -> bool:
        """Stop a slow read in progress; return whether there was one."""


class HaltingReader:
    """A reader for one piece of work after another, each of several queries, that can be stopped as a whole."""

    def __init__(self, reader: RowSource) -> None:
        self._reader = reader
        self._lock = Lock()
        self._began: float | None = None
        self._closed = False
        self.halted = False

    def begin(self) -> None:
        """Begin a piece of work."""
        with self._lock:
            self._began, self.halted = monotonic(), False

    def end(self) -> None:
        """End it."""
        with self._lock:
            self._began = None

    def fetch(self, sql: str, /, **params: Any) -> ReadRows:
        """Like a store's reader, but raises QueryInterrupted at once where the work has been stopped."""
        if self.halted or self._closed:
            raise QueryInterrupted(STOPPED)
        return self._reader.fetch(sql, **params)

    def interrupt(self) -> None:
        """Stop the query in progress, whose answer nobody wants any more."""
        self._reader.interrupt()

    def close(self) -> None:
        """Stop the work in progress, for good."""
        self._closed = True
        self._reader.interrupt()

    def halt(self) -> bool:
        """Stop the work in progress if it is slow; return whether it is."""
        with self._lock:
            if self._began is None or (not self.halted and monotonic() - self._began < SLOW_SECONDS):
                return False
            self.halted = True
        self._reader.interrupt()
        return True
