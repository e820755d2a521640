"""Windows of rows over a query: filter, order and scrolling happen in SQL, and only what is near the view is kept.

Deep windows of an ordered query are found by fences: the order columns of every 256th row, read once. A window
between two fences is then a scan, not a sort of the whole table.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from saetui.workbench.row_filter import Condition
from saetui.workbench.window import parameter_names, quoted, reads_late, rows_of, with_clauses

CHUNK = 256
_KEPT_CHUNKS = 64

Row = tuple[Any, ...]


class Rows(Protocol):
    """What a read gives: column names and tuples."""

    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Row]: ...
    def dicts(self) -> list[dict[str, Any]]: ...


class Reader(Protocol):
    """One thread's read access to a store."""

    def fetch(self, sql: str, /, **params: Any) -> Rows: ...
    def interrupt(self) -> None: ...


@dataclass(frozen=True)
class Order:
    """A column that rows are ordered by; missing values come last either way."""

    column: str
    descending: bool = False

    @property
    def sql(self) -> str:
        return f"{quoted(self.column)} {'DESC' if self.descending else 'ASC'} NULLS LAST"


@dataclass(frozen=True)
class WindowQuery:
    """A query, its parameters, a filter and an order. ``key`` names the column that is unique in the result."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    condition: Condition = field(default_factory=Condition)
    order: tuple[Order, ...] = ()

    @property
    def ordering(self) -> tuple[Order, ...]:
        """The order made total by the row key, or nothing where the query's own order holds."""
        if not self.order:
            return ()
        # Where there are millions of rows their number is cheaper to sort by than their key.
        last = "row" if reads_late(self.sql) else self.key
        if any(order.column == last for order in self.order):
            return self.order
        return (*self.order, Order(last))

    def _select(self, columns: str, *conditions: str) -> str:
        where = self._where(*conditions)
        return rows_of(self.sql, columns) + (f"\n{where}" if where else "")

    def _where(self, *conditions: str) -> str:
        wanted = [condition for condition in (self.condition.sql, *conditions) if condition]
        return "WHERE " + "\n  AND ".join(wanted) if wanted else ""

    @property
    def _order_by(self) -> str:
        return ", ".join(order.sql for order in self.ordering)

    def _bound(self, sql: str, **extra: Any) -> tuple[str, dict[str, Any]]:
        named = set(parameter_names(sql))
        params = {**self.params, **self.condition.params, **extra}
        return sql, {name: value for name, value in params.items() if name in named}

    def text(self) -> tuple[str, dict[str, Any]]:
        """The whole query with filter and order, and its parameters."""
        if not self.condition and not self.order:
            return self._bound(self.sql.strip())
        return self._bound(with_clauses(self.sql, where=self._where(), order=self._sorted))

    @property
    def _sorted(self) -> str:
        return f"ORDER BY {self._order_by}" if self.order else ""

    def count(self) -> tuple[str, dict[str, Any]]:
        return self._bound(self._select("count(*)"))

    def window(self, offset: int, limit: int) -> tuple[str, dict[str, Any]]:
        """Rows ``offset`` to ``offset + limit``."""
        limits = f"LIMIT {limit} OFFSET {offset}"
        return self._bound(with_clauses(self.sql, where=self._where(), order=self._sorted, limit=limits))

    def order_values(self, key: Any) -> tuple[str, dict[str, Any]]:
        """The order columns of the row with that key: the fence at which it stands."""
        conditions = f"{quoted(self.key)} = $row_key"
        return self._bound(self._select(self._order_columns, conditions), row_key=key)

    def ahead_of(self, fence: Row) -> tuple[str, dict[str, Any]]:
        """The number of rows ahead of a fence: the place, from 0, of the row at it."""
        params = {f"upper_{index}": value for index, value in enumerate(fence)}
        return self._bound(self._select("count(*)", self._before("upper", fence)), **params)

    def position(self, key: Any) -> tuple[str, dict[str, Any]]:
        """The place, from 0, of the row with that key in a query that keeps its own order."""
        numbered = self._select(f"{quoted(self.key)} AS key, row_number() OVER () - 1 AS place")
        return self._bound(f"SELECT place FROM ({numbered}) WHERE key = $row_key", row_key=key)

    @property
    def _order_columns(self) -> str:
        return ", ".join(quoted(order.column) for order in self.ordering)

    def fences(self, step: int = CHUNK) -> tuple[str, dict[str, Any]]:
        """The order columns of every ``step``-th row."""
        columns = self._order_columns
        numbered = self._select(f"{columns}, row_number() OVER (ORDER BY {self._order_by}) - 1 AS place")
        return self._bound(f"SELECT {columns} FROM ({numbered}) WHERE place % {step} = 0 ORDER BY place")

    def between(self, lower: Row, upper: Row | None) -> tuple[str, dict[str, Any]]:
        """Rows from the fence ``lower`` up to, not including, ``upper`` (None: to the end)."""
        conditions = [*self._range(lower, upper), f"NOT {self._before('lower', lower)}"]
        params = {f"lower_{index}": value for index, value in enumerate(lower)}
        if upper is not None:
            conditions.append(self._before("upper", upper))
            params |= {f"upper_{index}": value for index, value in enumerate(upper)}
        return self._bound(with_clauses(self.sql, where=self._where(*conditions), order=self._sorted), **params)

    def _range(self, lower: Row, upper: Row | None) -> list[str]:
        """The range of the first order column on its own, which a scan can skip by; none where values are missing."""
        if upper is None or lower[0] is None or upper[0] is None:
            return []
        order = self.ordering[0]
        column = quoted(order.column)
        above, below = ("<=", ">=") if order.descending else (">=", "<=")
        return [f"{column} {above} $lower_0", f"{column} {below} $upper_0"]

    def _before(self, name: str, fence: Row) -> str:
        """The condition of being ahead of a fence, column by column, with missing values last."""
        condition = "false"
        for index in reversed(range(len(fence))):
            order, column, value = self.ordering[index], quoted(self.ordering[index].column), f"${name}_{index}"
            if fence[index] is None:
                ahead, level = f"{column} IS NOT NULL", f"{column} IS NULL"
            else:
                ahead = f"coalesce({column} {'>' if order.descending else '<'} {value}, false)"
                level = f"coalesce({column} = {value}, false)"
            condition = f"({ahead} OR ({level} AND {condition}))"
        return condition

    def sorted_by(self, *order: Order) -> "WindowQuery":
        return replace(self, order=order)


class ChunkCache:
    """The rows read so far, in chunks of 256, least recently used first to go."""

    def __init__(self) -> None:
        self._chunks: OrderedDict[int, Sequence[Row]] = OrderedDict()

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

    def clear(self) -> None:
        self._chunks.clear()


def split_chunks(first: int, rows: Sequence[Row]) -> dict[int, Sequence[Row]]:
    """Rows that start at chunk ``first``, by chunk."""
    return {first + start // CHUNK: rows[start : start + CHUNK] for start in range(0, max(len(rows), 1), CHUNK)}
