"""Reads that can be interrupted, and that start again where a commit had to stop them."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import duckdb

from store.exceptions import QueryError, QueryInterrupted
from store.trouble import told

if TYPE_CHECKING:
    from store.residency import Residency

T = TypeVar("T")

_ALONE = (
    "A store's queries reach the store alone; ask `store.query_files(sql)` about other files, and bring what the store "
    "says into it as a table."
)

# A read may run this long before a commit may stop it, and four times as long each further time, so that long reads
# end although commits keep coming.
GRACE = 0.25
_GRACE_GROWTH = 4


class Reading:
    """One read under way; its fields are changed while the residency's gate is held."""

    def __init__(self) -> None:
        self.cursor: duckdb.DuckDBPyConnection | None = None
        self.protected_until = 0.0
        self.displaced = False
        self.interrupted = False
        self._attempts = 0

    def begin(self) -> None:
        """Begin, or begin again after a commit: the read is then left alone for longer."""
        self.protected_until = time.monotonic() + GRACE * _GRACE_GROWTH**self._attempts
        self.displaced = False
        self._attempts += 1

    def stop(self) -> None:
        """Interrupt the query; again and again, since one that has not begun yet does not notice."""
        if self.cursor is not None:
            self.cursor.interrupt()


class Reads:
    """A group of reads that are interrupted together; used from any number of threads."""

    def __init__(self, residency: "Residency") -> None:
        self._residency = residency
        self._readings: set[Reading] = set()

    def run(self, task: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run ``task`` on a cursor of its own, from the start again where a commit stopped it.

        QueryInterrupted after ``interrupt``, QueryError where DuckDB refuses, StoreBusy where another process keeps the
        database for itself.
        """
        # One for all attempts, so that an interrupt between two of them is not lost.
        reading = Reading()
        self._readings.add(reading)
        try:
            while (answer := self._tried(reading, task)) is None:
                pass
            return answer[0]
        finally:
            self._readings.discard(reading)

    def _tried(self, reading: Reading, task: Callable[[duckdb.DuckDBPyConnection], T]) -> tuple[T] | None:
        """The answer; None where a commit needed the room."""
        reading.begin()
        try:
            with told(self._residency.folder.root):
                return (task(self._residency.enter(reading)),)
        except duckdb.InterruptException as error:
            if reading.interrupted or not reading.displaced:
                raise QueryInterrupted("the query was interrupted") from error
            return None
        except duckdb.PermissionException as error:
            raise QueryError(f"{str(error).strip()}\n{_ALONE}") from error
        except duckdb.Error as error:
            raise QueryError(str(error).strip()) from error
        finally:
            self._residency.leave(reading)

    def interrupt(self) -> None:
        """Stop the reads that are under way, or wait to begin."""
        self._residency.interrupt(list(self._readings))
