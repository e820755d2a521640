"""A transaction that takes the store from one revision to the next."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from store.steps import step


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All that is written in the block, or nothing of it."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("UPDATE store_state SET revision = revision + 1")
        step("revision written")
        connection.execute("COMMIT")
        step("transaction committed")
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
