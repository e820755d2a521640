"""Making a store, and bringing an older one up to the present schema."""

import os
import shutil
from pathlib import Path

import duckdb

from store.connection import connect
from store.errors import StoreBusy, StoreMissing, StoreNewer, StoreUnreadable
from store.filelock import FileLock
from store.folder import Folder
from store.residency import Reader, Residency
from store.schema import newest_version, schema_files
from store.spool import step

_PATIENCE = 10.0


def require_store(folder: Folder) -> None:
    """StoreMissing or StoreUnreadable where the folder holds no database that can be read."""
    root, database = folder.root, folder.database
    if not root.exists():
        raise StoreMissing(f"{root}: there is no store here; `saetui demo --store {root}` makes one")
    if not root.is_dir():
        raise StoreUnreadable(f"{root}: is a file; a store is a folder with a {database.name} in it")
    if not os.access(root, os.R_OK | os.X_OK):
        raise StoreUnreadable(f"{root}: may not be read; ask its owner for access")
    if not database.exists():
        raise StoreMissing(f"{root}: has no {database.name}, so it is not a store")
    if not os.access(database, os.R_OK):
        raise StoreUnreadable(f"{database}: may not be read; ask its owner for access")


def create(folder: Folder) -> None:
    """Make a store where there is none; it appears whole, by one rename. One that exists is left alone."""
    folder.make()
    if folder.database.exists():
        return
    lock = FileLock(folder.commit_lock)
    try:
        if not lock.exclusive(_PATIENCE):
            raise StoreBusy(f"{folder.root}: another process is making this store")
        if folder.database.exists():
            return
        fresh = folder.database.with_suffix(".new")
        _wipe(fresh)
        connection = connect(fresh, read_only=False)
        try:
            _run(connection, 0)
        finally:
            connection.close()
        step("fresh database made")
        fresh.rename(folder.database)
        step("store made")
    finally:
        lock.close()


def upgrade(residency: Residency) -> None:
    """Bring the store up to the present schema, keeping a copy; StoreNewer where it is beyond it."""
    folder, newest = residency.folder, newest_version()
    version = Reader(residency).read(lambda cursor: _version(cursor, folder))
    if version > newest:
        raise StoreNewer(
            f"{folder.database}: has schema version {version}, this saetui knows {newest}; "
            "update saetui (pip install --upgrade saetui)"
        )
    if version == newest:
        return
    with residency.window(_PATIENCE, lambda: _keep(folder)) as connection:
        found = _version(connection, folder)
        if found < newest:
            _run(connection, found)


def _keep(folder: Folder) -> None:
    """Copy an older database aside."""
    connection = connect(folder.database, read_only=False)
    try:
        version = _version(connection, folder)
        # What is in the log file goes into the database, so that the copy is complete.
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
    if version >= newest_version():
        return
    kept = folder.backup(version)
    part = kept.with_suffix(".part")
    shutil.copyfile(folder.database, part)
    step("copy written")
    part.rename(kept)
    step("copy kept")


def _run(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Run the schema files after ``version`` in one transaction."""
    connection.execute("BEGIN")
    for number, path in schema_files().items():
        if number > version:
            connection.execute(path.read_text(encoding="utf-8"))
    if not version:
        connection.execute("INSERT INTO store_state VALUES (0, 0)")
    connection.execute(
        "UPDATE store_state SET schema_version = $newest, revision = revision + 1", {"newest": newest_version()}
    )
    step("schema changed")
    connection.execute("COMMIT")
    step("schema committed")


def _version(cursor: duckdb.DuckDBPyConnection, folder: Folder) -> int:
    try:
        found = cursor.execute("SELECT schema_version FROM store_state").fetchone()
    except duckdb.CatalogException as error:
        raise StoreUnreadable(f"{folder.database}: is a DuckDB database, but not one of saetui") from error
    if found is None:
        raise StoreUnreadable(f"{folder.database}: its table store_state is empty; restore it from a copy")
    return int(found[0])


def _wipe(path: Path) -> None:
    for leftover in (path, path.with_name(path.name + ".wal")):
        leftover.unlink(missing_ok=True)
