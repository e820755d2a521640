"""Reads what was asked for last, in a thread: what was asked before it is interrupted and dropped."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from saetui.tui.table.halting import STOPPED, HaltingReader
from saetui.tui.table.row_window import RowSource
from saetui.workbench.trouble import outside_errors, told
from store import QueryInterrupted

S = TypeVar("S")
F = TypeVar("F")


class LatestRead(Generic[S, F]):
    """``want`` takes subjects in the interface's thread; ``deliver`` is called with what was read, in the other."""

    def __init__(
        self, reader: RowSource, read: Callable[[RowSource, S], F], deliver: Callable[[S, F | None, str], object]
    ) -> None:
        self._reader, self._read, self._deliver = HaltingReader(reader), read, deliver
        self._lock = Lock()
        self._wanted: S | None = None
        self._busy = False

    def want(self, subject: S) -> bool:
        """Take a subject in place of the one that waits; True where the caller must start ``run`` in a thread."""
        with self._lock:
            self._wanted = subject
            if self._busy:
                self._reader.interrupt()
                return False
            self._busy = True
            return True

    def run(self) -> None:
        """Read what is wanted until nothing is."""
        while True:
            with self._lock:
                subject, self._wanted = self._wanted, None
                self._busy = subject is not None
            if subject is None:
                return
            self._reader.begin()
            try:
                facts = self._read(self._reader, subject)
            except QueryInterrupted:
                if self._reader.halted:
                    self._deliver(subject, None, STOPPED)
            except outside_errors() as error:
                self._deliver(subject, None, told(error))
            else:
                self._deliver(subject, facts, "")
            finally:
                self._reader.end()

    def halt(self) -> bool:
        """Stop a slow read in progress; return whether there was one."""
        return self._reader.halt()

    def stop(self) -> None:
        """Drop the current read and the one that waits."""
        with self._lock:
            self._wanted = None
        self._reader.close()
