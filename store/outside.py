"""Questions about files outside a store, on a database in memory that knows no store."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from store.exceptions import QueryError

if TYPE_CHECKING:
    import polars as pl


def query_files(sql: str, /, params: Mapping[str, Any] | None = None, **tables: Any) -> "pl.DataFrame":
    """The answer to SQL that may read and write files of the user's own: ``read_parquet('…')``, ``COPY … TO '…'``.

    ``params`` are the values of its ``$names``. ``tables`` are polars frames or Arrow tables, asked by their names:
    what a store says comes in that way, since its own connections reach no file. QueryError where DuckDB refuses.
    """
    import duckdb
    import polars as pl

    from store.connection import SHARED_SETTINGS

    try:
        with duckdb.connect(config=SHARED_SETTINGS) as connection:
            connection.execute("SET enable_progress_bar_print = false; SET TimeZone = 'UTC'")
            for name, table in tables.items():
                connection.register(name, table.to_arrow() if isinstance(table, pl.DataFrame) else table)
            relation = connection.sql(sql, params=dict(params or {}))
            frame: pl.DataFrame = pl.DataFrame() if relation is None else relation.pl()
            return frame
    except (duckdb.Error, OSError) as error:
        raise QueryError(str(error).strip()) from error
