"""One process's hold on a database: open read-only while people look, and for writing in brief windows."""

import atexit
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from store.connection import connect
from store.exceptions import QueryInterrupted, StoreBusy, StoreError
from store.folder import Folder
from store.holder import holder_of
from store.reads import GRACE, Reading
from store.trouble import told
from store.turns import Turns

# How often a process looks whether another one asks for room.
_LOOK = 0.02
# How long a read waits for a commit of saetui to end, and for another program to let go of the database.
_READ_PATIENCE = 30.0
_FOREIGN_PATIENCE = 1.0
_PAUSE = 0.005
# Why reads are barred: a commit of this process, or of another one.
_OWN, _ANOTHER = "own", "another"


class Residency:
    """The connection that all stores of one process on one database share."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        # Committed results that could not be removed from the spool; they are looked at no more.
        self.taken: set[str] = set()
        self._turns = Turns(folder)
        self._users = 0
        self._window = threading.Lock()
        self._ended = threading.Event()
        self._watcher: threading.Thread | None = None
        # The gate guards what follows.
        self._gate = threading.Condition()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._writing = False
        self._readings: set[Reading] = set()
        self._barred_by: set[str] = set()
        self._revision = 0

    @property
    def may_write(self) -> bool:
        """Whether results can be taken in; False for a store that this user may only read."""
        return self._turns.may_write

    # Reads

    def enter(self, reading: Reading) -> duckdb.DuckDBPyConnection:
        """The cursor of a read, as soon as no commit is in progress."""
        start = time.monotonic()
        with self._gate:
            while True:
                if reading.interrupted:
                    raise QueryInterrupted("the query was interrupted")
                if self._ended.is_set():
                    raise StoreError(f"{self.folder.root}: this store has been closed")
                if not self._barred_by and self._opened(time.monotonic() - start):
                    break
                self._gate.wait(_PAUSE)
            assert self._connection is not None
            reading.cursor = self._connection.cursor()
            if self._writing:
                reading.cursor.execute("BEGIN TRANSACTION READ ONLY")
            self._readings.add(reading)
            return reading.cursor

    def leave(self, reading: Reading) -> None:
        """Return the cursor of a read."""
        with self._gate:
            self._readings.discard(reading)
            if reading.cursor is not None:
                reading.cursor.close()
                reading.cursor = None
            self._gate.notify_all()

    def interrupt(self, readings: Iterable[Reading]) -> None:
        """Stop reads; those that have ended meanwhile are left alone."""
        with self._gate:
            for reading in readings:
                reading.interrupted = True
            self._stop_interrupted()

    def _stop_interrupted(self) -> None:
        """Stop the reads that nobody wants; again and again, since one that is about to begin hears nothing."""
        with self._gate:
            for reading in self._readings:
                if reading.interrupted:
                    reading.stop()

    @property
    def revision(self) -> int:
        """The number of the last commit; one of another process is seen some hundredths of a second after it."""
        return self._revision

    def _opened(self, waited: float) -> bool:
        """Open the database for reading if it is not open; False where that is not possible now, but may be soon."""
        if self._connection is not None:
            return True
        if not self._turns.begin_reading():
            if waited > _READ_PATIENCE:
                holder = self._turns.committer()
                raise StoreBusy(f"{self.folder.database}: {holder or 'another process'} commits for too long", holder)
            return False
        try:
            connection = connect(self.folder.database, read_only=True)
            try:
                self._revision = _revision(connection)
            except BaseException:
                connection.close()
                raise
        except StoreBusy:
            self._turns.end_reading()
            if waited > _FOREIGN_PATIENCE:
                raise
            return False
        except BaseException:
            self._turns.end_reading()
            raise
        self._connection = connection
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="store-watcher", daemon=True)
            self._watcher.start()
        return True

    def _shut(self) -> None:
        """Close the database; the gate is held and no read is under way."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._turns.end_reading()

    def _needed(self) -> float:
        """Seconds until every read under way may be stopped; below 0 where that may be done at once."""
        with self._gate:
            now = time.monotonic()
            return max((reading.protected_until - now for reading in self._readings), default=0.0)

    def _drain(self, reason: str, wanted: Callable[[], bool], *, urgent: bool) -> bool:
        """Bar new reads as soon as none under way is to be waited for longer than a moment, and let all end.

        True with reads barred for ``reason`` and none left; False once room is ``wanted`` no longer. No read is waited
        for longer than a moment where it is ``urgent``.
        """
        latest = time.monotonic() + GRACE if urgent else math.inf
        while wanted():
            with self._gate:
                self._stop_interrupted()
                needed = min(self._needed(), latest - time.monotonic())
                if needed <= GRACE:
                    self._barred_by.add(reason)
                if not self._readings:
                    return True
                if needed <= 0:
                    for reading in self._readings:
                        reading.displaced = True
                        reading.stop()
                self._gate.wait(_PAUSE)
        self._unbar(reason)
        return False

    def _unbar(self, reason: str) -> None:
        with self._gate:
            self._barred_by.discard(reason)
            self._gate.notify_all()

    # Making room for other processes

    def _watch(self) -> None:
        """Make room when asked to, and come back afterwards."""
        while not self._ended.wait(_LOOK):
            self._stop_interrupted()
            if self._connection is None:
                # What is wrong with the database is told to those who ask it.
                with self._gate, suppress(StoreError, OSError):
                    if not self._barred_by:
                        self._opened(0.0)
            elif self._turns.requested() and self._drain(_ANOTHER, self._asked, urgent=self._turns.urgent()):
                with self._gate:
                    self._shut()
                self._unbar(_ANOTHER)

    def _asked(self) -> bool:
        return not self._ended.is_set() and self._turns.requested()

    # Commits

    @contextmanager
    def window(
        self, patience: float, *, urgent: bool = False, before: Callable[[], None] | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A moment in which this process alone has the database, open for writing; ``before`` runs while nobody has.

        Where it is ``urgent``, because a person waits, long reads are stopped and begin again; else they are waited for
        as ``store.reads`` says. StoreBusy where that, or other processes, take longer than ``patience`` seconds.
        """
        deadline = time.monotonic() + patience
        if not self._window.acquire(timeout=patience):
            raise self._busy("commits")
        try:
            while not urgent and self._needed() > GRACE:
                if time.monotonic() > deadline:
                    raise self._busy("runs a long query")
                time.sleep(_PAUSE)
            with told(self.folder.root), self._turns.alone(deadline, urgent=urgent):
                if not self._drain(_OWN, lambda: time.monotonic() < deadline, urgent=urgent):
                    raise self._busy("runs a long query")
                try:
                    with self._gate:
                        self._shut()
                    if before is not None:
                        before()
                    with self._written() as connection:
                        yield connection
                finally:
                    self._unbar(_OWN)
        finally:
            self._window.release()

    @contextmanager
    def _written(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The database open for writing; reads are barred before and after, but go on meanwhile beside the writer."""
        root = connect(self.folder.database, read_only=False)
        try:
            writer = root.cursor()
            with self._gate:
                self._connection, self._writing = root, True
            self._unbar(_OWN)
            yield writer
            self._revision = _revision(writer)
        finally:
            self._drain(_OWN, lambda: True, urgent=True)
            with self._gate:
                self._connection, self._writing = None, False
            # What a full disk or a damaged file keeps from being closed has been told by what was done before.
            with suppress(duckdb.Error):
                writer.close()
                root.close()

    def _busy(self, doing: str) -> StoreBusy:
        return StoreBusy(f"{self.folder.database}: this process {doing} itself; try again soon", holder_of(os.getpid()))

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
            del _RESIDENCIES[self.folder.root]
        self._end()

    def _end(self) -> None:
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()
        with self._window, self._gate:
            while self._readings:
                for reading in self._readings:
                    reading.interrupted = True
                    reading.stop()
                self._gate.wait(_PAUSE)
            self._shut()
            self._turns.close()


_REGISTRY = threading.Lock()
_RESIDENCIES: dict[Path, Residency] = {}


@atexit.register
def _end_all() -> None:
    """Close what the program left open while the interpreter can still do so."""
    for residency in list(_RESIDENCIES.values()):
        residency._end()


def _revision(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the last commit; 0 in a database that is not one of saetui, as its opener will report."""
    try:
        # A stranger may have put a view in the place of the table, and views can take forever.
        if connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'store_state'").fetchall():
            ((revision,),) = connection.execute("SELECT revision FROM store_state").fetchall()
            return int(revision)
    except (duckdb.Error, ValueError, TypeError):
        pass
    return 0
