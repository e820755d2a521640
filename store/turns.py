"""How processes on one store take turns: many read, until one asks for room and is alone for a moment.

DuckDB lets one process write a file, or many read it. A process that reads holds ``readers.lock`` shared. One that is
to write takes ``commit.lock``, leaves a request file, which makes the readers close, and waits for ``readers.lock``
exclusively. All locks vanish with their process; a request whose writer is gone is removed by whoever meets it.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from store.exceptions import StoreBusy, StoreUnreadable
from store.filelock import FileLock
from store.folder import Folder
from store.holder import Holder, LockProbe, holder_of
from store.plain import open_plain, read_plain
from store.steps import step

_PAUSE = 0.002
_URGENT = " urgent"
_REQUEST_BYTES = 100


class Turns:
    """This process's part in taking turns on one store."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._mutex = threading.Lock()
        self._reading = self._alone = self._asking = False
        self._probe: LockProbe | None = None
        try:
            folder.locks.mkdir(exist_ok=True)
            self._commit = FileLock(folder.commit_lock)
            # A second hold on the same file, which meets the first like that of another process.
            self._commit_seen = FileLock(folder.commit_lock)
            self._readers = FileLock(folder.readers_lock)
            self.may_write = os.access(folder.database, os.W_OK)
        except OSError:
            # A store that may only be read has nobody to make room for.
            self.may_write = False
        self._takes_part = hasattr(self, "_readers")

    def requested(self) -> bool:
        """Whether another process asks for room."""
        if not self._takes_part or self._asking or not os.path.lexists(self._folder.request):
            return False
        with self._mutex:
            if self._commit_seen.shared():
                self._withdraw()
                self._commit_seen.release()
                return False
        return True

    def urgent(self) -> bool:
        """Whether the process that asks for room has a person waiting for it."""
        try:
            return self._request().endswith(_URGENT)
        except OSError:
            return False

    def begin_reading(self) -> bool:
        """Whether the database may be opened for reading now; if so, until ``end_reading``."""
        if not self._takes_part:
            return True
        if self.requested():
            return False
        with self._mutex:
            self._reading = self._readers.shared()
            return self._reading

    def end_reading(self) -> None:
        """Say that the database has been closed."""
        if self._takes_part:
            with self._mutex:
                self._reading = False
                if not self._alone:
                    self._readers.release()

    @contextmanager
    def alone(self, deadline: float, *, urgent: bool = False) -> Iterator[None]:
        """A moment in which no other process of saetui has the database open; this one may still read it.

        StoreBusy where others, of saetui or not, have not made room by ``deadline`` (``time.monotonic``).
        """
        if not self.may_write:
            raise StoreUnreadable(f"{self._folder.root}: this store may only be read; copy it to a place of your own")
        while not self._commit.exclusive():
            if time.monotonic() >= deadline:
                raise self._busy(self.committer())
            time.sleep(_PAUSE)
        try:
            self._asking = True
            self._ask(f"{os.getpid()}{_URGENT if urgent else ''}")
            step("room asked for")
            self._wait_for_readers(deadline)
            if (holder := self.foreign()) is not None:
                raise self._busy(holder)
            yield
        finally:
            self._withdraw()
            with self._mutex:
                self._asking = self._alone = False
                if self._reading:
                    self._readers.shared()
                else:
                    self._readers.release()
            self._commit.release()

    def _wait_for_readers(self, deadline: float) -> None:
        while True:
            with self._mutex:
                if self._readers.exclusive():
                    self._alone = True
                    return
                if self._reading:
                    # A failed wish for more costs what one had; nobody else can have taken it meanwhile.
                    self._readers.shared()
            if time.monotonic() >= deadline:
                raise self._busy(self.foreign())
            time.sleep(_PAUSE)

    def foreign(self) -> Holder | None:
        """Another process that has the database open, if there is one."""
        if self._probe is None:
            self._probe = LockProbe(self._folder.database)
        return self._probe.conflicting(write=True)

    def committer(self) -> Holder | None:
        """The process that asks for room or commits, if it can be told."""
        try:
            return holder_of(int(self._request().removesuffix(_URGENT)))
        except (OSError, ValueError):
            return None

    def _ask(self, text: str) -> None:
        with os.fdopen(open_plain(self._folder.request, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
            file.write(text)

    def _request(self) -> str:
        return read_plain(self._folder.request, _REQUEST_BYTES).decode("ascii", "replace")

    def _withdraw(self) -> None:
        # Where it cannot be removed, nobody holds the lock that belongs to it, and all others see that.
        with suppress(OSError):
            self._folder.request.unlink()

    def _busy(self, holder: Holder | None) -> StoreBusy:
        who = holder or "another process"
        return StoreBusy(f"{self._folder.database} is held by {who}; close it there, or wait for it", holder)

    def close(self) -> None:
        """Take part no longer; the database must be closed."""
        if self._probe is not None:
            self._probe.close()
        if self._takes_part:
            for lock in (self._readers, self._commit_seen, self._commit):
                lock.close()
