"""The store: the folder that holds every result, and the questions one can ask it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb

from store.commit import CommitReport, commit_spool
from store.errors import QueryError, StoreError
from store.folder import DATABASE, Folder
from store.queries import named_query, query_names, text_of
from store.residency import Reader as _Reads
from store.residency import Residency
from store.rows import Rows
from store.upgrade import create, require_store, upgrade

if TYPE_CHECKING:
    import polars as pl

# Parameters that may be left open: no limit, from the first row, the probes and the token set that the SAE has.
_DEFAULTS = {"limit": None, "offset": 0, "probe": None, "corpus": None}
_WRITE_PATIENCE = 5.0
_COMMIT_PATIENCE = 2.0


class Reader:
    """Asks questions; a pane has one of its own, so that it can interrupt its queries and no others."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency
        self._reads = _Reads(residency)

    def fetch(self, sql_or_name: str, /, **params: Any) -> Rows:
        """The rows of a query as Python values; ``params`` are its ``$names``."""
        return self._rows(text_of(sql_or_name), params)

    def query(self, sql_or_name: str, /, **params: Any) -> "pl.DataFrame":
        """The rows of a query as a polars frame."""
        return self._frame(text_of(sql_or_name), params)

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
        """Some rows of a query's answer, filtered and sorted by the database.

        ``where`` is an SQL condition on the answer's columns. ``order_by`` names columns, "-f1" for falling; NULLs come
        last. QueryError where a column does not exist or the condition is not SQL.
        """
        text = text_of(sql_or_name)
        order = [_order(name) for name in order_by]
        sql = f"SELECT * FROM (\n{text}\n)"
        if where:
            sql += f"\nWHERE (\n{where}\n)"
        if order:
            self._check_columns(text, params or {}, [name.removeprefix("-") for name in order_by])
            sql += f"\nORDER BY {', '.join(order)}"
        if limit is not None:
            sql += f"\nLIMIT {int(limit)}"
        if offset:
            sql += f"\nOFFSET {int(offset)}"
        return self._rows(sql, params or {})

    def count(self, sql_or_name: str, params: Mapping[str, Any] | None = None, *, where: str | None = None) -> int:
        """The number of rows of a query's answer that meet ``where``."""
        sql = f"SELECT count(*) FROM (\n{text_of(sql_or_name)}\n)" + (f"\nWHERE (\n{where}\n)" if where else "")
        return int(self._rows(sql, params or {}).rows[0][0])

    def columns(self, sql_or_name: str, params: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """The column names of a query's answer."""
        return self._rows(f"SELECT * FROM (\n{text_of(sql_or_name)}\n) LIMIT 0", params or {}).columns

    def interrupt(self) -> None:
        """Stop the queries of this reader that are under way, in whatever thread; they raise QueryInterrupted."""
        self._reads.interrupt()

    def _check_columns(self, text: str, params: Mapping[str, Any], names: Sequence[str]) -> None:
        known = self._rows(f"SELECT * FROM (\n{text}\n) LIMIT 0", params).columns
        for name in names:
            if name not in known:
                raise QueryError(f"there is no column {name!r} to sort by; there are {', '.join(known)}")

    def _rows(self, sql: str, params: Mapping[str, Any]) -> Rows:
        def task(cursor: duckdb.DuckDBPyConnection) -> Rows:
            result = cursor.execute(sql, _bound(cursor, sql, params))
            description = result.description or []
            return Rows(tuple(column[0] for column in description), result.fetchall())

        return self._read(task)

    def _frame(self, sql: str, params: Mapping[str, Any]) -> "pl.DataFrame":
        import polars as pl

        def task(cursor: duckdb.DuckDBPyConnection) -> pl.DataFrame:
            relation = cursor.sql(sql, params=_bound(cursor, sql, params))
            return pl.DataFrame() if relation is None else relation.pl()

        return self._read(task)

    def _read(self, task: Any) -> Any:
        try:
            return self._reads.read(task)
        except duckdb.Error as error:
            raise QueryError(str(error)) from error


class Store(Reader):
    """An open store; a context manager. Safe to use from any number of threads."""

    def __init__(self, folder: Folder, residency: Residency) -> None:
        super().__init__(residency)
        self._folder = folder
        self._open = True

    @classmethod
    def open(cls, path: Path | str, *, create: bool = False) -> "Store":
        """Open the store in a folder, upgrading it where it is older; ``create`` makes it where there is none.

        StoreMissing, StoreUnreadable, StoreNewer or StoreBusy where that is not possible.
        """
        folder = Folder(_root(Path(path)))
        if create:
            _create(folder)
        require_store(folder)
        residency = Residency.of(folder)
        try:
            upgrade(residency)
        except BaseException:
            residency.close()
            raise
        return cls(folder, residency)

    @property
    def root(self) -> Path:
        return self._folder.root

    @property
    def database(self) -> Path:
        return self._folder.database

    @property
    def tensors(self) -> Path:
        return self._folder.tensors

    @property
    def jobs(self) -> Path:
        return self._folder.jobs

    @property
    def spool(self) -> Path:
        return self._folder.spool

    @property
    def revision(self) -> int:
        """Grows with every commit, also those of other processes."""
        return self._residency.revision()

    def reader(self) -> Reader:
        """A reader whose queries can be interrupted apart from all others."""
        return Reader(self._residency)

    def names(self) -> list[str]:
        """The names of the queries."""
        return list(query_names())

    def sql_of(self, name: str) -> str:
        """The text of a named query."""
        return named_query(name)

    def write(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """Run one statement that changes the store, in a brief commit window of its own."""
        self.write_many([(sql, params)])

    def write_many(self, statements: Sequence[tuple[str, Mapping[str, Any] | None]]) -> None:
        """Run statements that change the store, all or none, in one brief commit window.

        QueryError where one is refused, StoreBusy where another process does not make room.
        """
        with self._residency.window(_WRITE_PATIENCE) as connection:
            connection.execute("BEGIN")
            try:
                for sql, params in statements:
                    connection.execute(sql, dict(params or {}))
                connection.execute("UPDATE store_state SET revision = revision + 1")
                connection.execute("COMMIT")
            except duckdb.Error as error:
                connection.execute("ROLLBACK")
                raise QueryError(str(error)) from error

    def commit_spool(self) -> CommitReport:
        """Take the finished results of jobs into the store; where it is busy they wait, and the report says for whom."""
        return commit_spool(self._residency, _COMMIT_PATIENCE)

    def close(self) -> None:
        """Stop all queries and close the database."""
        if self._open:
            self._open = False
            self._residency.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _root(path: Path) -> Path:
    """The folder of a store, also where its database file was named."""
    path = path.expanduser().resolve()
    return path.parent if path.name == DATABASE and not path.is_dir() else path


def _create(folder: Folder) -> None:
    try:
        create(folder)
    except OSError as error:
        raise StoreError(f"{folder.root}: a store cannot be made here: {error.strerror or error}") from error


def _order(name: str) -> str:
    column = name.removeprefix("-").replace('"', '""')
    return f'"{column}" {"DESC" if name.startswith("-") else "ASC"} NULLS LAST'


def _bound(cursor: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The values for the parameters of a query; QueryError where one has no value, or a value no parameter."""
    statements = cursor.extract_statements(sql)
    wanted = set().union(*(statement.named_parameters for statement in statements))
    values = {**{name: value for name, value in _DEFAULTS.items() if name in wanted}, **params}
    if missing := sorted(wanted - set(values)):
        raise QueryError(f"the query needs a value for ${missing[0]}")
    if unknown := sorted(set(values) - wanted):
        raise QueryError(f"the query has no parameter ${unknown[0]}; it has {', '.join(sorted(wanted)) or 'none'}")
    return values
