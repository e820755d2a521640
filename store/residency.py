"""One process's read-only hold on a database, and how it makes room for a commit, its own or another process's."""

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb

from store.connection import connect
from store.errors import QueryInterrupted, StoreBusy
from store.filelock import FileLock
from store.folder import Folder
from store.holder import Holder, LockProbe, holder_of
from store.spool import step

T = TypeVar("T")

# A read that is under way when a commit asks for room may run this long before it is stopped and started again;
# every further time it may run four times as long, so that long reads end although commits keep coming.
_GRACE = 0.25
_GRACE_GROWTH = 4
# How often a process looks whether another one asks for room, and how long a read waits for a commit to end.
_LOOK = 0.02
_READ_PATIENCE = 30.0
_WAIT = 0.005


class _Reading:
    """One read under way."""

    def __init__(self, displaced: int) -> None:
        self.cursor: duckdb.DuckDBPyConnection | None = None
        self.protected_until = time.monotonic() + _GRACE * _GRACE_GROWTH**displaced
        self.displaced = False
        self.interrupted = False

    def stop(self) -> None:
        if self.cursor is not None:
            self.cursor.interrupt()


class Reader:
    """A group of reads that can be interrupted together; used from any number of threads."""

    def __init__(self, residency: "Residency") -> None:
        self._residency = residency
        self._readings: set[_Reading] = set()

    def read(self, task: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run ``task`` on a cursor of its own; again from the start where a commit had to stop it.

        QueryInterrupted after ``interrupt``, StoreBusy where another process keeps the database for itself.
        """
        displaced = 0
        while True:
            reading = _Reading(displaced)
            self._readings.add(reading)
            try:
                self._residency.enter(reading)
                assert reading.cursor is not None
                return task(reading.cursor)
            except duckdb.InterruptException as error:
                if reading.interrupted or not reading.displaced:
                    raise QueryInterrupted("the query was interrupted") from error
                displaced += 1
            finally:
                self._residency.leave(reading)
                self._readings.discard(reading)

    def interrupt(self) -> None:
        """Stop the reads that are under way; they raise QueryInterrupted."""
        for reading in list(self._readings):
            reading.interrupted = True
            reading.stop()


class Residency:
    """The connection that all stores of one process on one database share: read-only but for commit windows."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._gate = threading.Condition()
        self._window = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._readings: set[_Reading] = set()
        self._barred = 0
        self._own_request = False
        self._revision = 0
        self._probe: LockProbe | None = None
        self._closed = False
        self._ended = threading.Event()
        self._users = 0
        self._watcher: threading.Thread | None = None
        try:
            folder.locks.mkdir(exist_ok=True)
            self._commit_lock: FileLock | None = FileLock(folder.commit_lock)
            self._readers_lock: FileLock | None = FileLock(folder.readers_lock)
        except OSError:
            # A store that may only be read has nobody to make room for.
            self._commit_lock = self._readers_lock = None

    # Reads

    def enter(self, reading: _Reading) -> None:
        """Give a read its cursor, as soon as no commit is under way."""
        deadline = time.monotonic() + _READ_PATIENCE
        with self._gate:
            while True:
                if reading.interrupted:
                    raise QueryInterrupted("the query was interrupted")
                if self._closed:
                    raise StoreBusy(f"{self.folder.root}: the store has been closed")
                if not self._barred and (self._connection is not None or self._open(last=time.monotonic() > deadline)):
                    break
                self._gate.wait(_WAIT)
            assert self._connection is not None
            reading.cursor = self._connection.cursor()
            self._readings.add(reading)

    def leave(self, reading: _Reading) -> None:
        """End a read and give its cursor back."""
        with self._gate:
            if reading.cursor is not None:
                reading.cursor.close()
            self._readings.discard(reading)
            self._gate.notify_all()

    def revision(self) -> int:
        """The number of the last commit that this process has seen; looks again after another process committed."""
        if self._connection is None and not self._barred:
            try:
                with self._gate:
                    if self._connection is None and not self._closed:
                        self._open(last=False)
            except StoreBusy:
                pass
        return self._revision

    def _open(self, *, last: bool) -> bool:
        """Open the database for reading, unless a commit of another process is asked for or under way."""
        if self._readers_lock is not None:
            if self._requested() or not self._readers_lock.shared():
                if last:
                    raise StoreBusy(f"{self.folder.database}: {self._committer()} has been committing for too long")
                return False
        try:
            connection = connect(self.folder.database, read_only=True)
        except BaseException as error:
            if self._readers_lock is not None:
                self._readers_lock.release()
            if isinstance(error, StoreBusy) and not last:
                return False
            raise
        try:
            found = connection.execute("SELECT revision FROM store_state").fetchone()
            self._revision = int(found[0]) if found else 0
        except duckdb.CatalogException:
            pass
        self._connection = connection
        self._watch()
        return True

    def _committer(self) -> str:
        try:
            return str(holder_of(int(self.folder.request.read_text())))
        except (OSError, ValueError):
            return "another process"

    def _shut(self) -> None:
        """Close the database; the gate is held and no read is under way."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # Making room

    def _requested(self) -> bool:
        """Whether another process asks for room. A request of a process that has died is removed."""
        if self._own_request or not self.folder.request.exists():
            return False
        assert self._commit_lock is not None
        if self._commit_lock.shared():
            self.folder.request.unlink(missing_ok=True)
            self._commit_lock.release()
            return False
        return True

    def _watch(self) -> None:
        if self._watcher is None and self._readers_lock is not None:
            self._watcher = threading.Thread(target=self._make_room_when_asked, name="store-watcher", daemon=True)
            self._watcher.start()

    def _make_room_when_asked(self) -> None:
        while not self._ended.wait(_LOOK):
            if self._connection is not None and self._window.acquire(blocking=False):
                try:
                    if self._requested() and self._drain(self._requested):
                        with self._gate:
                            self._shut()
                            self._barred -= 1
                            assert self._readers_lock is not None
                            self._readers_lock.release()
                finally:
                    self._window.release()

    def _drain(self, wanted: Callable[[], bool]) -> bool:
        """Bar new reads once none under way needs longer than a moment, and wait until all have ended.

        Returns True with reads barred, or False, and reads not barred, as soon as room is no longer wanted.
        """
        barred = False
        while wanted():
            with self._gate:
                now = time.monotonic()
                needed = max((r.protected_until - now for r in self._readings), default=0.0)
                if not barred and needed <= _GRACE:
                    barred = True
                    self._barred += 1
                if barred and not self._readings:
                    return True
                if needed <= 0:
                    for reading in self._readings:
                        reading.displaced = True
                        reading.stop()
                self._gate.wait(_WAIT)
        if barred:
            with self._gate:
                self._barred -= 1
                self._gate.notify_all()
        return False

    # Commits

    @contextmanager
    def window(self, patience: float, before: Callable[[], None] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A moment in which this process alone has the database, open for writing; ``before`` runs while nobody has.

        StoreBusy where others do not make room within ``patience`` seconds; its holder says who.
        """
        if self._commit_lock is None or self._readers_lock is None:
            raise StoreBusy(f"{self.folder.root}: this store may only be read")
        deadline = time.monotonic() + patience
        if not self._window.acquire(timeout=patience):
            raise StoreBusy(f"{self.folder.database}: a commit of this process is under way", holder_of(os.getpid()))
        try:
            if not self._commit_lock.exclusive(max(0.0, deadline - time.monotonic())):
                raise StoreBusy(f"{self.folder.database}: {self._committer()} is committing")
            try:
                self._own_request = True
                self.folder.request.write_text(str(os.getpid()))
                step("room asked for")
                with self._alone(deadline, before) as connection:
                    yield connection
            finally:
                self.folder.request.unlink(missing_ok=True)
                self._own_request = False
                self._commit_lock.release()
        finally:
            self._window.release()

    @contextmanager
    def _alone(self, deadline: float, before: Callable[[], None] | None) -> Iterator[duckdb.DuckDBPyConnection]:
        assert self._readers_lock is not None
        if not self._readers_lock.exclusive(max(0.0, deadline - time.monotonic())):
            if self._connection is not None:
                self._readers_lock.shared(_READ_PATIENCE)
            raise self._held()
        try:
            if (holder := self._foreign()) is not None:
                raise StoreBusy(f"{self.folder.database} is held by {holder}; results wait", holder)
            if not self._drain(lambda: time.monotonic() < deadline):
                raise StoreBusy(f"{self.folder.database}: a long query of this process is running", holder_of(os.getpid()))
            try:
                with self._gate:
                    self._shut()
                if before is not None:
                    before()
                connection = connect(self.folder.database, read_only=False)
                try:
                    step("database open for writing")
                    yield connection
                finally:
                    connection.close()
                    step("database closed")
            finally:
                with self._gate:
                    self._barred -= 1
                    self._gate.notify_all()
        finally:
            if self._connection is not None:
                self._readers_lock.shared(_READ_PATIENCE)
            else:
                self._readers_lock.release()

    def _foreign(self) -> Holder | None:
        """A process that has the database open although all of ours have made room."""
        if self._probe is None:
            self._probe = LockProbe(self.folder.database)
        return self._probe.conflicting(write=True)

    def _held(self) -> StoreBusy:
        holder = self._foreign()
        return StoreBusy(f"{self.folder.database} is held by {holder or 'another process'}; results wait", holder)

    # Life

    @classmethod
    def of(cls, folder: Folder) -> "Residency":
        """The residency of this process on a store, shared by all that ask; each gives it back by ``close``."""
        with _REGISTRY:
            residency = _RESIDENCIES.get(folder.root)
            if residency is None:
                residency = _RESIDENCIES[folder.root] = cls(folder)
            residency._users += 1
            return residency

    def close(self) -> None:
        """Give the residency back; the last user closes the database."""
        with _REGISTRY:
            self._users -= 1
            if self._users:
                return
            _RESIDENCIES.pop(self.folder.root, None)
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()
        with self._window, self._gate:
            self._closed = True
            for reading in self._readings:
                reading.interrupted = True
                reading.stop()
            while self._readings:
                self._gate.wait(_WAIT)
            self._shut()
            if self._probe is not None:
                self._probe.close()
            for lock in (self._readers_lock, self._commit_lock):
                if lock is not None:
                    lock.close()


_REGISTRY = threading.Lock()
_RESIDENCIES: dict[Path, Residency] = {}


@atexit.register
def _close_all() -> None:
    """Close what the program left open, before the interpreter goes."""
    for residency in list(_RESIDENCIES.values()):
        residency._users = 1
        residency.close()
