"""Asking a store: named queries and SQL, whole or a window at a time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from store.exceptions import QueryError, QueryInterrupted
from store.queries import text_of
from store.rows import Rows

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    import pyarrow as pa

    from store.residency import Residency

# Parameters that may be left open: no limit, from the first row, the probes and the token set that the SAE has, the
# metric and thresholds of the absorption study, all SAEs, and any hook point and model.
_OPEN: dict[str, Any] = {
    "limit": None,
    "offset": 0,
    "probe": None,
    "corpus": None,
    "metric": "paper",
    "tau": None,
    "lead": None,
    "min_cosine": None,
    "saes": None,
    "hook": None,
    "model": None,
    "study": None,
    "order": None,
    "unit": None,
    "parts": None,
    "pursuit": None,
    "pursued": None,
    "beside": None,
}


class Reader:
    """Asks questions, from any number of threads; a pane has one of its own, to interrupt its queries and no others.

    A question is SQL, or the name of a query in ``store/queries``; its parameters are the ``$names`` in it, of which
    $limit, $offset, $probe, $corpus, $metric, $tau, $lead, $min_cosine, $saes, $hook, $model, $study, $order, $unit,
    $parts, $pursuit, $pursued and $beside may be left open.
    """

    def __init__(self, residency: "Residency") -> None:
        from store.reads import Reads

        self._residency = residency
        self._reads = Reads(residency)

    def fetch(self, sql_or_name: str, /, **params: Any) -> Rows:
        """The answer as Python values; QueryError where the question is refused."""
        return self._rows(text_of(sql_or_name), params)

    def query(self, sql_or_name: str, /, **params: Any) -> "pl.DataFrame":
        """The answer as a polars frame; QueryError where the question is refused."""
        import polars as pl

        def task(cursor: "duckdb.DuckDBPyConnection") -> pl.DataFrame:
            relation = cursor.sql(text, params=_bound(cursor, text, params))
            frame: pl.DataFrame = pl.DataFrame() if relation is None else relation.pl()
            return frame

        text = text_of(sql_or_name)
        return self._reads.run(task)

    def arrow(self, sql_or_name: str, /, **params: Any) -> "pa.Table":
        """The answer as an Arrow table, with the types of the database; QueryError where the question is refused."""

        def task(cursor: "duckdb.DuckDBPyConnection") -> "pa.Table":
            import pyarrow as pa

            relation = cursor.sql(text, params=_bound(cursor, text, params))
            return pa.table({}) if relation is None else relation.to_arrow_table()

        text = text_of(sql_or_name)
        return self._reads.run(task)

    def window(
        self,
        sql_or_name: str,
        params: Mapping[str, Any] | None = None,
        *,
        where: str | None = None,
        order_by: Sequence[str] = (),
        limit: int | None = None,
        offset: int = 0,
    ) -> Rows:
        """Some rows of an answer, filtered and sorted by the database.

        ``where`` is an SQL condition on the answer's columns. ``order_by`` names columns, "-f1" for falling; NULLs come
        last. QueryError where a column does not exist or the condition is not SQL.
        """
        lines = [_narrowed("*", text_of(sql_or_name), where)]
        if order_by:
            known = self.columns(sql_or_name, params)
            lines.append("ORDER BY " + ", ".join(_order(name, known) for name in order_by))
        if limit is not None:
            lines.append(f"LIMIT {int(limit)}")
        if offset:
            lines.append(f"OFFSET {int(offset)}")
        return self._narrowed_rows("\n".join(lines), params, where)

    def count(self, sql_or_name: str, params: Mapping[str, Any] | None = None, *, where: str | None = None) -> int:
        """The number of rows of an answer that meet ``where``."""
        sql = _narrowed("count(*)", text_of(sql_or_name), where)
        return int(self._narrowed_rows(sql, params, where).rows[0][0])

    def columns(self, sql_or_name: str, params: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """The column names of an answer."""
        return self._rows(_narrowed("*", text_of(sql_or_name), None) + "\nLIMIT 0", params or {}).columns

    def interrupt(self) -> None:
        """Stop the queries of this reader that are under way, in whatever thread; they raise QueryInterrupted."""
        self._reads.interrupt()

    def _narrowed_rows(self, sql: str, params: Mapping[str, Any] | None, where: str | None) -> Rows:
        try:
            return self._rows(sql, params or {})
        except QueryInterrupted:
            raise
        except QueryError as error:
            raise QueryError(f"{error}\nin the condition {where!r}" if where else str(error)) from error

    def _rows(self, sql: str, params: Mapping[str, Any]) -> Rows:
        def task(cursor: "duckdb.DuckDBPyConnection") -> Rows:
            cursor.execute(sql, _bound(cursor, sql, params))
            return Rows(tuple(column[0] for column in cursor.description or ()), cursor.fetchall())

        return self._reads.run(task)


def _narrowed(columns: str, text: str, where: str | None) -> str:
    sql = f"SELECT {columns}\nFROM (\n{text.rstrip().removesuffix(';')}\n)"
    return sql + (f"\nWHERE (\n{where}\n)" if where else "")


def _order(name: str, known: Sequence[str]) -> str:
    column = name.removeprefix("-")
    if column not in known:
        raise QueryError(f"there is no column {column!r} to sort by; there are {', '.join(known)}")
    quoted = column.replace('"', '""')
    return f'"{quoted}" {"DESC" if name.startswith("-") else "ASC"} NULLS LAST'


def _bound(cursor: "duckdb.DuckDBPyConnection", sql: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The values for a query's parameters; QueryError where one has no value, or a value no parameter."""
    wanted = {name for statement in cursor.extract_statements(sql) for name in statement.named_parameters}
    if unknown := sorted(params.keys() - wanted):
        raise QueryError(f"the query has no parameter ${unknown[0]}; it has {_listed(wanted)}")
    values = {name: _OPEN[name] for name in wanted & _OPEN.keys()}
    values |= {name: value for name, value in params.items() if value is not None or name not in values}
    if missing := sorted(wanted - values.keys()):
        raise QueryError(f"the query needs a value for ${missing[0]}")
    return values


def _listed(names: set[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names)) or "none"
