"""Opening the database: DuckDB's settings, and its errors in words that a user can act on."""

import os
from pathlib import Path

import duckdb

from store.exceptions import StoreBusy, StoreUnreadable
from store.holder import LockProbe
from store.trouble import told

# A file of this storage version can be opened by every DuckDB from 1.5 on.
STORAGE_VERSION = "v1.5.0"
# For every connection: modest, since the same machine runs training jobs; no code is fetched, no variable read.
SHARED_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": min(4, os.cpu_count() or 1),
    "memory_limit": "2GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    **SHARED_SETTINGS,
    # The database is all that a connection reaches: what is in it may be a stranger's.
    "enable_external_access": False,
    "storage_compatibility_version": STORAGE_VERSION,
    # Half of DuckDB's own: the columns of latent activations fill such blocks, and take 7 % less room.
    "default_block_size": 131_072,
}
# What DuckDB says where another process, and where another connection of this one, has the file.
_LOCKED, _CONFIGURED = "Could not set lock", "different configuration"


def connect(database: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """A connection that prints nothing, installs nothing, and reaches no file but the database, whatever it is asked.

    StoreBusy where another process holds the file, StoreUnreadable where it is not a database or may not be opened.
    """
    try:
        connection = duckdb.connect(database, read_only=read_only, config=_SETTINGS)
        connection.execute("SET enable_progress_bar_print = false; SET TimeZone = 'UTC'; SET lock_configuration = true")
    except duckdb.Error as error:
        raise _refusal(database, error, read_only=read_only) from error
    return connection


def _refusal(database: Path, error: duckdb.Error, *, read_only: bool) -> Exception:
    message = str(error)
    if _LOCKED in message:
        with told(database):
            probe = LockProbe(database)
        try:
            holder = probe.conflicting(write=not read_only)
        finally:
            probe.close()
        return StoreBusy(f"{database} is held by {holder or 'another process'}; close it there", holder)
    if _CONFIGURED in message:
        return StoreBusy(
            f"{database} is open in this process by `duckdb.connect`; close that connection, or ask the store"
        )
    if not database.exists():
        return StoreUnreadable(f"{database}: there is no such file")
    reason = message.splitlines()[0].partition(": ")[2] or message
    return StoreUnreadable(f"{database}: cannot be opened as a DuckDB database ({reason}); restore it from a copy")
