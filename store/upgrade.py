"""Making a store, and bringing an older one up to the present schema."""

import os
import shutil
import time

import duckdb

from store.connection import connect
from store.errors import StoreBusy, StoreError, StoreMissing, StoreNewer, StoreUnreadable
from store.filelock import FileLock
from store.folder import Folder
from store.reads import Reads
from store.residency import Residency
from store.schema import newest_version, schema_files
from store.steps import step

_PATIENCE = 10.0
_PAUSE = 0.01


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
        raise StoreMissing(f"{root}: has no {database.name}, so it is not a store; name the folder that has one")
    if not os.access(database, os.R_OK):
        raise StoreUnreadable(f"{database}: may not be read; ask its owner for access")


def create(folder: Folder) -> None:
    """Make a store where there is none; it appears whole, by one rename. One that exists is left alone.

    StoreError where the folder cannot be written.
    """
    try:
        folder.make()
        if folder.database.exists():
            return
        lock = FileLock(folder.commit_lock)
        try:
            _wait_for(lock, folder)
            if not folder.database.exists():
                _make_database(folder)
        finally:
            lock.close()
    except OSError as error:
        raise StoreError(f"{folder.root}: a store cannot be made here: {error.strerror or error}") from error


def upgrade(residency: Residency) -> None:
    """Bring a store up to the present schema, keeping a copy; StoreNewer where it is beyond it."""
    folder, newest = residency.folder, newest_version()
    version = Reads(residency).run(lambda cursor: _version(cursor, folder))
    if version > newest:
        raise StoreNewer(
            f"{folder.database}: has schema version {version}, but this saetui knows only {newest}; "
            "update it with `pip install --upgrade saetui`"
        )
    if version == newest:
        return
    with residency.window(_PATIENCE, urgent=True, before=lambda: _keep_copy(folder)) as connection:
        # Another process may have done it since.
        if (version := _version(connection, folder)) < newest:
            _run_schema(connection, version)


def _wait_for(lock: FileLock, folder: Folder) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not lock.exclusive():
        if time.monotonic() > deadline:
            raise StoreBusy(f"{folder.root}: another process is making this store; wait for it")
        time.sleep(_PAUSE)


def _make_database(folder: Folder) -> None:
    fresh = folder.database.with_suffix(".new")
    # What a process that was killed here left behind.
    fresh.unlink(missing_ok=True)
    fresh.with_name(fresh.name + ".wal").unlink(missing_ok=True)
    connection = connect(fresh, read_only=False)
    try:
        _run_schema(connection, 0)
    finally:
        connection.close()
    fresh.rename(folder.database)


def _keep_copy(folder: Folder) -> None:
    """Copy an older database aside, with what is still in its log file."""
    connection = connect(folder.database, read_only=False)
    try:
        version = _version(connection, folder)
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
    if version < newest_version():
        part = folder.backup(version).with_suffix(".part")
        shutil.copyfile(folder.database, part)
        step("copy written")
        part.rename(folder.backup(version))


def _run_schema(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Run the schema files after ``version``, all or none."""
    connection.execute("BEGIN")
    for number, path in schema_files().items():
        if number > version:
            try:
                connection.execute(path.read_text(encoding="utf-8"))
            except duckdb.Error as error:
                raise StoreError(f"the schema file {path.name} cannot be run on this store: {error}") from error
    if not version:
        connection.execute("INSERT INTO store_state VALUES (0, 0)")
    connection.execute(
        "UPDATE store_state SET schema_version = $newest, revision = revision + 1", {"newest": newest_version()}
    )
    step("schema changed")
    connection.execute("COMMIT")
    step("schema committed")


def _version(connection: duckdb.DuckDBPyConnection, folder: Folder) -> int:
    try:
        found = connection.execute("SELECT schema_version FROM store_state").fetchone()
    except duckdb.CatalogException as error:
        raise StoreUnreadable(f"{folder.database}: is a DuckDB database, but not one of saetui") from error
    if found is None:
        raise StoreUnreadable(f"{folder.database}: its table store_state is empty; restore it from a copy")
    return int(found[0])
