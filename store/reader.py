"""Asking a store: named queries and SQL."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from store.exceptions import QueryError
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
    "pursuit": None,
    "pursued": None,
    "beside": None,
}


class Reader:
    """Asks questions, from any number of threads; a pane has one of its own, to interrupt its queries and no others.

    A question is SQL, or the name of a query in ``store/queries``; its parameters are the ``$names`` in it, of which
    $limit, $offset, $probe, $corpus, $metric, $tau, $lead, $min_cosine, $saes, $hook, $model, $study, $order, $unit,
    $pursuit, $pursued and $beside may be left open.
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

    def interrupt(self) -> None:
        """Stop the queries of this reader that are under way, in whatever thread; they raise QueryInterrupted."""
        self._reads.interrupt()

    def _rows(self, sql: str, params: Mapping[str, Any]) -> Rows:
        def task(cursor: "duckdb.DuckDBPyConnection") -> Rows:
            cursor.execute(sql, _bound(cursor, sql, params))
            return Rows(tuple(column[0] for column in cursor.description or ()), cursor.fetchall())

        return self._reads.run(task)


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
