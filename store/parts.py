"""Reading a part of a finished result: once, whole, and checked for everything that could be wrong with it."""

import errno
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from store.aside import first_line
from store.column_types import arrow_type
from store.exceptions import SpoolError
from store.manifest import Part
from store.plain import open_plain, read_plain
from store.tables import stored_columns

# Far above what a spool writes, so that no part fills the memory before it has been checked.
_LARGEST = 1 << 30
# Errors of the file itself, unlike those of reading it just now.
_DAMAGE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EFBIG, errno.EISDIR, errno.ENXIO}
_TRIES = 3
_PAUSE = 0.02

_T = TypeVar("_T")


class Unread(Exception):  # noqa: N818
    """A file cannot be read now, but perhaps later: its result waits."""


def read_part(folder: Path, part: Part) -> pa.Table:
    """The rows of a part, in the types of its table; Unread where they cannot be had now, SpoolError where damaged."""
    path = folder / part.file
    content = read_again(path, _LARGEST)
    if part.sha256 is not None and hashlib.sha256(content).hexdigest() != part.sha256:
        raise SpoolError(f"{path}: is damaged: its checksum is not the one that its job recorded; run its job again")
    table, types = _parsed(path, part, content), stored_columns(part.table).types
    columns = [_cast(path, name, table.column(name), types[name]) for name in part.columns]
    rows = pa.Table.from_arrays(columns, names=list(part.columns))
    # The second form of the same rows adds none to its manifest.
    if part.table != "activation_by_token" and _counted(part.table, rows) != part.n_rows:
        raise SpoolError(f"{path}: is damaged: it has not the {part.n_rows:,} rows of its manifest; run its job again")
    return rows


def look_at(folder: Path, part: Part) -> None:
    """Unread or SpoolError, as by ``read_part``, where the file of a part cannot be opened."""
    _tried(folder / part.file, lambda path: os.close(open_plain(path)))


def read_again(path: Path, limit: int) -> bytes:
    """The content of a file, tried again for a moment; Unread or SpoolError where it cannot be had."""
    return _tried(path, lambda path: read_plain(path, limit))


def _tried(path: Path, read: Callable[[Path], _T]) -> _T:
    for tries in range(1, _TRIES + 1):
        try:
            return read(path)
        except MemoryError as error:
            raise Unread(f"{path}: is too large for the memory that is left; it is read again later") from error
        except OSError as error:
            if tries < _TRIES:
                time.sleep(_PAUSE)
            elif error.errno in _DAMAGE:
                raise SpoolError(f"{path}: is missing or damaged ({error.strerror}); run its job again") from error
            else:
                raise Unread(f"{path}: cannot be read now ({error.strerror or error}); it is tried again") from error
    raise AssertionError("the last try returns or raises")


def _parsed(path: Path, part: Part, content: bytes) -> pa.Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        if set(file.schema_arrow.names) != set(part.columns) or len(file.schema_arrow.names) != len(part.columns):
            raise SpoolError(f"{path}: is damaged: its columns are not those of its manifest; run its job again")
        table = file.read()
        table.validate(full=True)
        return table
    except (SpoolError, Unread):
        raise
    except MemoryError as error:
        raise Unread(f"{path}: needs more memory than is left; it is read again later") from error
    # Nothing but the bytes in memory is read here, so whatever the decoder says of them is damage.
    except Exception as error:
        raise SpoolError(
            f"{path}: is damaged: it cannot be read as Parquet ({first_line(error)}); run its job again"
        ) from error


def _counted(table: str, rows: pa.Table) -> int:
    """The number of rows that a part stands for: one per token where a row is a list of tokens."""
    if table != "token_context":
        return int(rows.num_rows)
    tokens = pc.list_flatten(rows.column("token_ids"))
    return len(tokens) - int(tokens.null_count)


def _cast(path: Path, name: str, column: pa.ChunkedArray, sql: str) -> pa.ChunkedArray:
    wanted = arrow_type(sql)
    if column.type == wanted:
        return column
    try:
        return column.cast(wanted)
    except (pa.ArrowException, ValueError) as error:
        raise SpoolError(
            f"{path}: {name}: holds values that do not fit its type {sql} ({first_line(error)})"
        ) from error
