"""A file of data and its query beside it: both appear whole or not at all, and nothing is overwritten unasked."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from saetui.disk_errors import told
from saetui.workbench.exceptions import CommandError

SQL = ".sql"


def in_the_way(path: Path, sql: str, siblings: Sequence[str]) -> list[Path]:
    """The files of the user's that writing ``path`` and its query would overwrite."""
    query = query_path(path, sql, siblings)
    found = [path] if os.path.lexists(path) else []
    return [*found, query] if os.path.lexists(query) and not _says(query, sql) else found


def query_path(path: Path, sql: str, siblings: Sequence[str]) -> Path:
    """Where the query goes: ``a.sql`` beside ``a.csv``, or ``a.csv.sql`` where ``a.sql`` belongs to ``a.parquet``.

    ``siblings`` are the endings that other files of the same stem can have.
    """
    short, long = path.with_suffix(SQL), path.with_name(path.name + SQL)
    if os.path.lexists(long):
        return long
    shared = any(ending != path.suffix.lower() and os.path.lexists(path.with_suffix(ending)) for ending in siblings)
    return long if shared and os.path.lexists(short) and not _says(short, sql) else short


def write_with_query(
    path: Path, write: Callable[[BinaryIO], object], sql: str, *, siblings: Sequence[str], overwrite: bool
) -> Path:
    """Have ``write`` fill the file at ``path``, and put its query beside it; gives back where that is.

    Raises CommandError where one of the two exists and ``overwrite`` does not say that it may go, or naming what the
    disk refused; nothing is changed then.
    """
    if path.is_dir():
        raise CommandError(f"{path}: is a folder; name a file in it")
    query = query_path(path, sql, siblings)
    if not overwrite:
        require_free(in_the_way(path, sql, siblings))
    text = sql.encode(errors="backslashreplace")
    try:
        with _written(path, write) as data, _written(query, lambda file: file.write(text)) as beside:
            _put_in_place(data, path, overwrite=overwrite)
            try:
                _put_in_place(beside, query, overwrite=overwrite or _says(query, sql))
            except OSError:
                if not overwrite:
                    path.unlink()
                raise
    except OSError as problem:
        raise CommandError(told(problem)) from problem
    return query


def require_free(paths: Sequence[Path]) -> None:
    """Raise CommandError naming the files that would be overwritten."""
    if paths:
        exist = "exists" if len(paths) == 1 else "exist"
        raise CommandError(
            f"{_listed(paths)} {exist} already; choose another name, or say that it may be overwritten "
            "(--force, or overwrite=yes after :)"
        )


def question(paths: Sequence[Path]) -> str | None:
    """What to ask before files are overwritten; None where there are none."""
    return f"Overwrite {_listed(paths)}?" if paths else None


def _listed(paths: Sequence[Path]) -> str:
    return " and ".join(map(str, paths))


def _says(path: Path, sql: str) -> bool:
    """Whether a file is the query already."""
    try:
        return path.is_file() and path.stat().st_size == len(sql.encode()) and path.read_text(encoding="utf-8") == sql
    except (OSError, UnicodeError):
        return False


@contextmanager
def _written(path: Path, write: Callable[[BinaryIO], object]) -> Iterator[Path]:
    """A hidden, finished file beside ``path`` that is gone afterwards; OSError about ``path`` where that fails."""
    part = path.with_name(f".{path.stem[:60]}.{os.getpid()}.part{path.suffix}")
    try:
        try:
            with part.open("wb") as file:
                write(file)
                # The content is on the disk before its name is.
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise OSError(problem.errno, os.strerror(problem.errno or 0), str(path)) from problem
        yield part
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _put_in_place(part: Path, path: Path, *, overwrite: bool) -> None:
    """Give a finished file its name; FileExistsError where that is taken, also by a file of this very moment."""
    if overwrite:
        part.replace(path)
        return
    try:
        os.link(part, path)
    except FileExistsError as problem:
        raise FileExistsError(problem.errno, os.strerror(errno.EEXIST), str(path)) from None
    except OSError:
        # Disks without hard links.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        part.replace(path)
