"""The SQL of what a table shows: a query narrowed by a condition, put in a total order, whole or a window at a time.

A query over millions of rows reads its wide columns late, only of the rows that are shown (``store.queries``): it is
narrowed, sorted and cut among its candidates, which its column ``row`` numbers. Any other query is narrowed, sorted and
cut from without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from saetui.workbench.filter_columns import Condition, FilterColumn, filter_column
from saetui.workbench.sql_text import parameter_names, quoted
from store.queries import LateQuery, late_query

# The column that numbers the candidates of a query that reads late.
_NUMBER = "row"


class FetchedRows(Protocol):
    @property
    def rows(self) -> Sequence[tuple[Any, ...]]: ...


class Fetches(Protocol):
    """The part of a store's reader that is needed here."""

    def fetch(self, sql: str, /, **params: Any) -> FetchedRows: ...


@dataclass(frozen=True)
class Order:
    """A column that rows are ordered by; missing values come last either way."""

    column: str
    descending: bool = False

    @property
    def sql(self) -> str:
        return f"{quoted(self.column)} {'DESC' if self.descending else 'ASC'} NULLS LAST"


@dataclass(frozen=True)
class TableQuery:
    """A query, its parameters, a filter and an order. ``key`` names the column that is unique in the result.

    Each method gives ``(sql, parameters)``, with the parameters that are in the text.
    """

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    condition: Condition = field(default_factory=Condition)
    order: tuple[Order, ...] = ()

    @cached_property
    def _body(self) -> str:
        return self.sql.strip().rstrip(";").rstrip()

    @cached_property
    def _late(self) -> LateQuery | None:
        return late_query(self._body)

    @property
    def ordering(self) -> tuple[Order, ...]:
        """The order made total by the row key, or nothing where the query's own order holds."""
        if not self.order:
            return ()
        # Where there are millions of rows their number is cheaper to sort by than their key.
        last = _NUMBER if self._late else self.key
        if not last or any(order.column == last for order in self.order):
            return self.order
        return (*self.order, Order(last))

    # Texts

    def text(self) -> tuple[str, dict[str, Any]]:
        """The whole query with filter and order."""
        return self._bound(self._whole())

    def window(self, offset: int, limit: int) -> tuple[str, dict[str, Any]]:
        """Rows ``offset`` to ``offset + limit``."""
        return self._bound(self._whole(limit=f"LIMIT {limit} OFFSET {offset}"))

    def count(self) -> tuple[str, dict[str, Any]]:
        """The number of rows that pass the filter."""
        return self._bound(self._select("count(*)"))

    def columns(self, reader: Fetches) -> tuple[FilterColumn, ...]:
        """The columns that can be narrowed and sorted by; no row is read.

        Raises:
            StoreError: the query is refused.
        """
        sql, params = self._bound(f"DESCRIBE {self._rows('*')}")
        return tuple(filter_column(row[0], row[1]) for row in reader.fetch(sql, **params).rows)

    def order_values(self, key: Any) -> tuple[str, dict[str, Any]]:
        """The order columns of the row with that key: the fence at which it stands."""
        conditions = f"{quoted(self.key)} = $row_key"
        return self._bound(self._select(self._order_columns, conditions), row_key=key)

    def ahead_of(self, fence: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        """The number of rows ahead of a fence: the place, from 0, of the row at it."""
        params = {f"upper_{index}": value for index, value in enumerate(fence)}
        return self._bound(self._select("count(*)", self._before("upper", fence)), **params)

    def position(self, key: Any) -> tuple[str, dict[str, Any]]:
        """The place, from 0, of the row with that key in a query that keeps its own order."""
        numbered = self._select(f"{quoted(self.key)} AS key, row_number() OVER () - 1 AS place")
        return self._bound(f"SELECT place FROM ({numbered}) WHERE key = $row_key", row_key=key)

    def fences(self, step: int) -> tuple[str, dict[str, Any]]:
        """The order columns of every ``step``-th row."""
        columns = self._order_columns
        numbered = self._select(f"{columns}, row_number() OVER (ORDER BY {self._order_by}) - 1 AS place")
        return self._bound(f"SELECT {columns} FROM ({numbered}) WHERE place % {step} = 0 ORDER BY place")

    def between(self, lower: Sequence[Any], upper: Sequence[Any] | None) -> tuple[str, dict[str, Any]]:
        """Rows from the fence ``lower`` up to, not including, ``upper`` (None: to the end)."""
        conditions = [*self._range(lower, upper), f"NOT {self._before('lower', lower)}"]
        params = {f"lower_{index}": value for index, value in enumerate(lower)}
        if upper is not None:
            conditions.append(self._before("upper", upper))
            params |= {f"upper_{index}": value for index, value in enumerate(upper)}
        return self._bound(self._whole(*conditions), **params)

    # Clauses

    def _rows(self, columns: str) -> str:
        """Some columns of all rows that can be narrowed and sorted; clauses can follow."""
        if self._late is None:
            return f"SELECT {columns} FROM (\n{self._body}\n)"
        return f"{self._late.candidates}\nSELECT {columns} FROM candidates"

    def _select(self, columns: str, *conditions: str) -> str:
        where = self._where(*conditions)
        return self._rows(columns) + (f"\n{where}" if where else "")

    def _whole(self, *conditions: str, limit: str = "") -> str:
        where = self._where(*conditions)
        order = f"ORDER BY {self._order_by}" if self.order else ""
        clauses = "".join(f"\n{clause}" for clause in (where, order, limit) if clause)
        if self._late is not None:
            return self._late.text(f"FROM candidates{clauses}") if clauses else self._body
        return f"SELECT * FROM (\n{self._body}\n){clauses}" if clauses else self._body

    def _where(self, *conditions: str) -> str:
        wanted = [condition for condition in (self.condition.sql, *conditions) if condition]
        return "WHERE " + "\n  AND ".join(wanted) if wanted else ""

    @property
    def _order_by(self) -> str:
        return ", ".join(order.sql for order in self.ordering)

    @property
    def _order_columns(self) -> str:
        return ", ".join(quoted(order.column) for order in self.ordering)

    def _bound(self, sql: str, **extra: Any) -> tuple[str, dict[str, Any]]:
        named = set(parameter_names(sql))
        params = {**self.params, **self.condition.params, **extra}
        return sql, {name: value for name, value in params.items() if name in named}

    def _range(self, lower: Sequence[Any], upper: Sequence[Any] | None) -> list[str]:
        """The range of the first order column on its own, which a scan can skip by; none where values are missing."""
        if upper is None or lower[0] is None or upper[0] is None:
            return []
        order = self.ordering[0]
        column = quoted(order.column)
        above, below = ("<=", ">=") if order.descending else (">=", "<=")
        return [f"{column} {above} $lower_0", f"{column} {below} $upper_0"]

    def _before(self, name: str, fence: Sequence[Any]) -> str:
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
