"""The rows of a table near its view, kept in chunks; all others stay in the database."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

CHUNK = 256
_KEPT_CHUNKS = 64

Row = tuple[Any, ...]


class ReadRows(Protocol):
    """What a read gives: column names and tuples."""

    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Row]: ...
    def dicts(self) -> list[dict[str, Any]]: ...


class RowSource(Protocol):
    """One thread's read access to a store."""

    def fetch(self, sql: str, /, **params: Any) -> ReadRows: ...
    def interrupt(self) -> None: ...


class TableStore(Protocol):
    """What a table needs of a store."""

    def sql_of(self, name: str) -> str: ...
    def reader(self) -> RowSource: ...


class ChunkCache:
    """The rows of a query read so far, in chunks of 256, least recently used first to go."""

    def __init__(self) -> None:
        self._names: Sequence[str] = ()
        self._chunks: OrderedDict[int, Sequence[Row]] = OrderedDict()

    def begin(self, names: Sequence[str]) -> None:
        """Forget all rows; those that come have columns of these names."""
        self._names = names
        self._chunks.clear()

    def record(self, index: int) -> Mapping[str, Any] | None:
        """The values at a place by column name, or None where they are not read yet."""
        row = self.row(index)
        return None if row is None else dict(zip(self._names, row, strict=True))

    def records(self, number: int) -> Iterator[Mapping[str, Any]]:
        """The rows of a chunk as far as it has been read, by column name."""
        return (dict(zip(self._names, row, strict=True)) for row in self._chunks.get(number, ()))

    def place_of(self, name: str, value: Any) -> int | None:
        """The place of a kept row with a value in a column, or None without one."""
        if name not in self._names:
            return None
        column = list(self._names).index(name)
        return next((index for index, row in self.rows() if row[column] == value), None)

    def row(self, index: int) -> Row | None:
        """The row at a place, or None where it is not read yet."""
        chunk = self._chunks.get(index // CHUNK)
        offset = index % CHUNK
        return chunk[offset] if chunk is not None and offset < len(chunk) else None

    def put(self, number: int, rows: Sequence[Row]) -> None:
        self._chunks[number] = rows
        self._chunks.move_to_end(number)
        while len(self._chunks) > _KEPT_CHUNKS:
            self._chunks.popitem(last=False)

    def missing(self, numbers: Iterable[int]) -> list[int]:
        return [number for number in numbers if number not in self._chunks]

    def use(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            if number in self._chunks:
                self._chunks.move_to_end(number)

    def rows(self) -> Iterable[tuple[int, Row]]:
        """Every kept row with its place."""
        for number, chunk in self._chunks.items():
            for offset, row in enumerate(chunk):
                yield number * CHUNK + offset, row


def split_chunks(first: int, rows: Sequence[Row]) -> dict[int, Sequence[Row]]:
    """ReadRows that start at chunk ``first``, by chunk."""
    return {first + start // CHUNK: rows[start : start + CHUNK] for start in range(0, max(len(rows), 1), CHUNK)}
