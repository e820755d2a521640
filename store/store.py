"""The store: the folder that holds every result."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from store.exceptions import QueryError, StoreUnreadable
from store.folder import DATABASE, Folder
from store.queries import query_names, text_of
from store.reader import Reader

if TYPE_CHECKING:
    from store.commit import CommitReport
    from store.residency import Residency

_WRITE_PATIENCE = 5.0
_COMMIT_PATIENCE = 2.0
# DuckDB puts the log of a database elsewhere where these stand in its path.
_FORBIDDEN = "?\\"


class Store(Reader):
    """An open store, to be asked and written from any number of threads; a context manager."""

    def __init__(self, folder: Folder, residency: "Residency") -> None:
        super().__init__(residency)
        self._folder = folder
        self._open = True

    @classmethod
    def open(cls, path: Path | str, *, create: bool = False) -> "Store":
        """Open the store in a folder, upgrading it where it is older; ``create`` makes it where there is none.

        StoreMissing, StoreUnreadable, StoreNewer or StoreBusy where that is not possible.
        """
        from store.residency import Residency
        from store.trouble import told
        from store.upgrade import create as make
        from store.upgrade import require_store, upgrade

        folder = Folder(_root(Path(path)))
        with told(folder.root):
            if create:
                make(folder)
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
        """SAE weights, probe directions and dense activations, as safetensors."""
        return self._folder.tensors

    @property
    def jobs(self) -> Path:
        """One folder per job."""
        return self._folder.jobs

    @property
    def spool(self) -> Path:
        """Results that wait to be committed."""
        return self._folder.spool

    @property
    def revision(self) -> int:
        """Grows with every commit, also those of other processes; looking it up costs nothing."""
        return self._residency.revision

    def reader(self) -> Reader:
        """A reader whose queries can be interrupted apart from all others."""
        return Reader(self._residency)

    def names(self) -> list[str]:
        """The names of the queries."""
        return list(query_names())

    def sql_of(self, name: str) -> str:
        """The text of a named query; SQL is given back as it is."""
        return text_of(name)

    def write(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """Run one statement that changes the store, in a brief commit window of its own."""
        self.write_many([(sql, params)])

    def write_many(self, statements: Sequence[tuple[str, Mapping[str, Any] | None]]) -> None:
        """Run statements that change the store, all or none, in one brief commit window.

        QueryError where one is refused, StoreBusy where another process does not make room.
        """
        import duckdb

        from store.transaction import transaction

        with self._residency.window(_WRITE_PATIENCE, urgent=True) as connection:
            try:
                with transaction(connection):
                    for sql, params in statements:
                        connection.execute(sql, dict(params or {}))
            except duckdb.Error as error:
                raise QueryError(str(error).strip()) from error

    def commit_spool(self) -> "CommitReport":
        """Take the finished results of jobs into the store; where it is busy they wait, and the report says for whom.

        What does not fit is set aside, and a store that may only be read takes nothing in: the report says so.
        StoreError where the disk is full; the results wait then, too.
        """
        from store.commit import commit_spool
        from store.trouble import told

        with told(self.spool):
            return commit_spool(self._residency, _COMMIT_PATIENCE)

    def results_wait(self) -> bool:
        """Whether the spool holds results that are not in the store yet; StoreError where it cannot be listed."""
        from store.manifest import finished
        from store.plain import check_plain
        from store.trouble import told

        check_plain(self.root, self.spool)
        with told(self.spool):
            return any(folder.name not in self._residency.taken for folder in finished(self.spool))

    def close(self) -> None:
        """Stop all queries and close the database."""
        if self._open:
            self._open = False
            self._residency.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _root(path: Path) -> Path:
    """The folder of a store, also where its database file was named."""
    try:
        path = path.expanduser().resolve()
    # A loop of links, a home that is nobody's, a name with a zero byte in it.
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreUnreadable(
            f"{str(path)!r}: is not the path of a folder ({error}); name the folder of the store"
        ) from error
    if found := next((sign for sign in _FORBIDDEN if sign in str(path)), None):
        raise StoreUnreadable(
            f"{path}: DuckDB cannot keep its files in a folder with {found!r} in its path; rename that folder"
        )
    return path.parent if path.name == DATABASE and not path.is_dir() else path
