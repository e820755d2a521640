"""Reads windows of a query for a table, in a thread: total, the place of the cursor's row, chunks of rows, fences.

Deep windows of an ordered query are found by fences: the order columns of every 256th row, read once. A window
between two fences is then a scan, not a sort of the whole table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from saetui.tui.table.row_window import CHUNK, Row, RowSource, split_chunks
from saetui.workbench.filter_columns import FilterColumn
from saetui.workbench.table_query import TableQuery

# Below this a sort costs less than keeping fences.
FENCED_ROWS = 20_000
# As far in as this the first rows of a sort are found without sorting all.
_SHALLOW = 2 * CHUNK


@dataclass(frozen=True)
class Wish:
    """What a table wants to have read: chunks, and where ``opening`` also total, columns and the cursor's place."""

    generation: int
    query: TableQuery
    chunks: tuple[int, ...]
    opening: bool = False
    row_key: Any = None
    page: int = CHUNK


@dataclass(frozen=True)
class WindowAnswer:
    """The answer to a wish; ``error`` says why there is none."""

    generation: int
    chunks: dict[int, Sequence[Row]] = field(default_factory=dict)
    opening: bool = False
    columns: Sequence[str] = ()
    total: int = 0
    place: int | None = None
    error: str = ""
    # What the rows can be narrowed and sorted by.
    filter_columns: tuple[FilterColumn, ...] = ()


class WindowReader:
    """One table's reader; used by one thread at a time."""

    def __init__(self, reader: RowSource) -> None:
        self._reader = reader
        self._total = 0
        self._fences: Sequence[Row] = ()
        self._opened: TableQuery | None = None

    def interrupt(self) -> None:
        """Stop the read that runs now; safe from another thread."""
        self._reader.interrupt()

    def read(self, wish: Wish) -> WindowAnswer:
        """Answer a wish.

        Raises StoreError from the store.
        """
        return (
            self._open(wish) if wish.opening else WindowAnswer(wish.generation, self._chunks(wish.query, wish.chunks))
        )

    def needs_fences(self) -> bool:
        query = self._opened
        return query is not None and bool(query.order) and self._total > FENCED_ROWS and not self._fences

    def build_fences(self) -> None:
        """Read the order columns of every 256th row, so that deep windows need no sort."""
        assert self._opened is not None
        sql, params = self._opened.fences(CHUNK)
        self._fences = self._reader.fetch(sql, **params).rows

    def _open(self, wish: Wish) -> WindowAnswer:
        query = wish.query
        self._opened, self._fences = query, ()
        first = self._fetch_window(query, 0, 1)
        rows = first.rows
        if len(rows) < CHUNK:
            self._total = len(rows)
        else:
            sql, params = query.count()
            self._total = self._reader.fetch(sql, **params).rows[0][0]
        place = self._place(query, first.columns, rows, wish.row_key)
        chunks = split_chunks(0, rows)
        if place is not None and self._total > CHUNK:
            near = {place_row // CHUNK for place_row in (max(0, place - wish.page), place, place + wish.page)}
            wanted = sorted(number for number in near if number and number * CHUNK < self._total)
            chunks |= self._chunks(query, tuple(wanted))
        return WindowAnswer(wish.generation, chunks, True, first.columns, self._total, place)

    def _place(self, query: TableQuery, columns: Sequence[str], rows: Sequence[Row], key: Any) -> int | None:
        if key is None or query.key not in columns:
            return None
        column = list(columns).index(query.key)
        for index, row in enumerate(rows):
            if row[column] == key:
                return index
        if self._total <= CHUNK:
            return None
        sql, params = query.order_values(key) if query.order else query.position(key)
        found = self._reader.fetch(sql, **params).rows
        if not found or not query.order:
            return found[0][0] if found else None
        sql, params = query.ahead_of(found[0])
        return int(self._reader.fetch(sql, **params).rows[0][0])

    def _fetch_window(self, query: TableQuery, first: int, count: int) -> Any:
        sql, params = query.window(first * CHUNK, count * CHUNK)
        return self._reader.fetch(sql, **params)

    def _chunks(self, query: TableQuery, numbers: tuple[int, ...]) -> dict[int, Sequence[Row]]:
        """Chunks by number; neighbouring ones are read together."""
        read: dict[int, Sequence[Row]] = {}
        for first, count in _runs(numbers):
            if first * CHUNK > _SHALLOW and self.needs_fences():
                self.build_fences()
            read |= split_chunks(first, self._run(query, first, count))
        return read

    def _run(self, query: TableQuery, first: int, count: int) -> Sequence[Row]:
        if first >= len(self._fences):
            rows: Sequence[Row] = self._fetch_window(query, first, count).rows
            return rows
        end = first + count
        upper = self._fences[end] if end < len(self._fences) else None
        sql, params = query.between(self._fences[first], upper)
        return self._reader.fetch(sql, **params).rows


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as ``(first, how many)`` of each unbroken run."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][0] + runs[-1][1]:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((number, 1))
    return runs
