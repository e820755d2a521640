"""Making a store, and bringing an older one up to the present schema."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from shlex import quote

import duckdb

from store.connection import connect
from store.exceptions import StoreBusy, StoreError, StoreMissing, StoreNewer, StoreUnreadable
from store.filelock import FileLock
from store.folder import Folder
from store.reads import Reads
from store.received import check_folder
from store.residency import Residency
from store.schema import newest_version, schema_files
from store.steps import step
from store.sync import sync
from store.tables import LOGICAL

_PATIENCE = 10.0
_PAUSE = 0.01


def require_store(folder: Folder) -> None:
    """StoreMissing or StoreUnreadable where the folder holds no database that can be read."""
    root, database = folder.root, folder.database
    if not root.exists():
        raise StoreMissing(f"{root}: there is no store here; `saetui demo --store {quote(str(root))}` makes one")
    if not root.is_dir():
        raise StoreUnreadable(f"{root}: is a file; a store is a folder with a {database.name} in it")
    if not os.access(root, os.R_OK | os.X_OK):
        raise StoreUnreadable(f"{root}: may not be read; ask its owner for access")
    if not os.path.lexists(database):
        raise StoreMissing(f"{root}: has no {database.name}, so it is not a store; name the folder that has one")
    check_folder(folder)
    if not os.access(database, os.R_OK):
        raise StoreUnreadable(f"{database}: may not be read; ask its owner for access")


def create(folder: Folder) -> None:
    """Make a store where there is none; it appears whole, by one rename. One that exists is left alone.

    StoreError where the folder cannot be written.
    """
    try:
        if folder.root.is_dir():
            check_folder(folder)
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
    """Make the database under another name, and look at it, before it gets its own."""
    fresh = folder.database.with_suffix(".new")
    log = fresh.with_name(fresh.name + ".wal")
    # What a process that was killed here left behind.
    fresh.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    try:
        connection = connect(fresh, read_only=False)
        try:
            _run_schema(connection, 0)
            connection.execute("CHECKPOINT")
        finally:
            connection.close()
        _look_at(fresh, log, folder)
        sync(fresh)
        step("database looked at")
        fresh.rename(folder.database)
        sync(folder.root)
    except (duckdb.Error, StoreError) as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
            log.unlink(missing_ok=True)
        reason = str(error).strip().partition("\n")[0]
        raise StoreError(
            f"{folder.root}: a store cannot be made here ({reason}); make room on the disk, or make it elsewhere"
        ) from error


def _look_at(database: Path, log: Path, folder: Folder) -> None:
    """StoreError where a database that was just written is not whole, and all in its file."""
    if log.exists():
        raise StoreError(f"{log}: the database could not be written out whole")
    connection = connect(database, read_only=True)
    try:
        version = _version(connection, folder)
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    finally:
        connection.close()
    if missing := sorted(LOGICAL.keys() - tables):
        raise StoreError(f"{database}: has no table {missing[0]}")
    if version != newest_version():
        raise StoreError(f"{database}: has schema version {version}, not {newest_version()}")


def _keep_copy(folder: Folder) -> None:
    """Copy an older database aside, whole, with what is still in its log file."""
    connection = connect(folder.database, read_only=False)
    try:
        version = _version(connection, folder)
        connection.execute("CHECKPOINT")
    except duckdb.Error as error:
        raise StoreError(f"{folder.database}: cannot be written out for its upgrade ({error}); make room") from error
    finally:
        connection.close()
    if version < newest_version():
        part = folder.backup(version).with_suffix(".part")
        try:
            shutil.copyfile(folder.database, part)
            sync(part)
            step("copy written")
            if part.stat().st_size != folder.database.stat().st_size:
                raise StoreError(f"{part}: is not a whole copy of the database; make room on the disk and try again")
            part.rename(folder.backup(version))
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise


def _run_schema(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Run the schema files after ``version``, all or none."""
    file = schema_files()[newest_version()].name
    try:
        connection.execute("BEGIN")
        for number, path in schema_files().items():
            if number > version:
                file = path.name
                connection.execute(path.read_text(encoding="utf-8"))
        if not version:
            connection.execute("INSERT INTO store_state VALUES (0, 0)")
        connection.execute(
            "UPDATE store_state SET schema_version = $newest, revision = revision + 1", {"newest": newest_version()}
        )
        step("schema changed")
        connection.execute("COMMIT")
        step("schema committed")
    except duckdb.Error as error:
        raise StoreError(f"the schema file {file} cannot be run on this store: {error}") from error


def _version(connection: duckdb.DuckDBPyConnection, folder: Folder) -> int:
    if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'store_state'").fetchall():
        raise StoreUnreadable(f"{folder.database}: is a DuckDB database, but not one of saetui")
    try:
        found = connection.execute("SELECT schema_version FROM store_state").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise StoreUnreadable(f"{folder.database}: is a DuckDB database, but not one of saetui") from error
    if len(found) != 1 or not isinstance(found[0][0], int):
        raise StoreUnreadable(f"{folder.database}: its table store_state is damaged; restore it from a copy")
    return found[0][0]
