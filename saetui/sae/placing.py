"""A folder that appears whole or not at all: written under a hidden name, then put in its place by a rename."""

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PART, OLD = ".part", ".old"
_LEFTOVER = re.compile(r"\.(?P<name>.+)\.(?P<mark>[a-z0-9_]{8})\.(part|old)")
# Where a file system has no locks, a folder untouched for this long has no writer any more.
_ABANDONED_S = 86_400.0


@contextmanager
def placed(folder: Path) -> Iterator[Path]:
    """A new folder to write into, which replaces ``folder`` when the block ends well, and is removed otherwise.

    It has the permissions that the umask gives. What lies in ``folder`` is replaced at the end; what a process that
    was killed has left of an earlier attempt is removed first.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder.parent, folder.name)
    part, lock = _make(folder)
    try:
        yield part
        _put_in_place(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(lock)


def sweep(parent: Path, name: str | None = None) -> None:
    """Remove what killed processes have left of folders called ``name``, or of all; an old one is put back where the
    new one did not get to its place. What cannot be removed stays.
    """
    for leftover in _leftovers(parent, name):
        part, old = leftover.with_suffix(PART), leftover.with_suffix(OLD)
        with suppress(OSError):
            lock = _lock(part) if part.exists() else -1
            if lock is None:
                continue
            try:
                place = parent / _name_of(leftover)
                if old.exists() and not os.path.lexists(place):
                    old.rename(place)
                shutil.rmtree(old, ignore_errors=True)
                shutil.rmtree(part, ignore_errors=True)
            finally:
                if lock >= 0:
                    os.close(lock)


def file_mode(folder: Path) -> int:
    """The permissions of a new file in a folder that was made under the same umask."""
    return folder.stat().st_mode & 0o666


def _leftovers(parent: Path, name: str | None) -> list[Path]:
    try:
        entries = list(os.scandir(parent))
    except OSError:
        return []
    found = {}
    for entry in entries:
        match = _LEFTOVER.fullmatch(entry.name)
        if match and name in (None, match["name"]) and entry.is_dir(follow_symlinks=False):
            found[match["name"], match["mark"]] = Path(entry.path)
    return list(found.values())


def _name_of(leftover: Path) -> str:
    match = _LEFTOVER.fullmatch(leftover.name)
    assert match is not None
    return match["name"]


def _make(folder: Path) -> tuple[Path, int]:
    while True:
        part = folder.parent / f".{folder.name}.{secrets.token_hex(4)}{PART}"
        try:
            part.mkdir()
        except FileExistsError:
            continue
        descriptor = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # A file system without locks keeps the folder by its age.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another process may have swept it in the moment before it was locked.
        with suppress(OSError):
            if os.path.samestat(os.stat(part), os.fstat(descriptor)):
                return part, descriptor
        os.close(descriptor)


def _lock(part: Path) -> int | None:
    """A descriptor that holds a dead process's folder; None where its writer may live."""
    descriptor = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        if time.time() - os.fstat(descriptor).st_mtime < _ABANDONED_S:
            os.close(descriptor)
            return None
    return descriptor


def _put_in_place(part: Path, folder: Path) -> None:
    _sync_folder(part)
    old = part.with_suffix(OLD)
    replaces = os.path.lexists(folder)
    if replaces:
        folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        if replaces:
            old.rename(folder)
        raise
    _sync_folder(folder.parent)
    if replaces:
        _remove(old)


def _remove(path: Path) -> None:
    if stat.S_ISDIR(os.lstat(path).st_mode):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot, and need not.
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


@contextmanager
def placed_file(path: Path) -> Iterator[Path]:
    """A path to write one file to, which replaces ``path`` when the block ends well, and is removed otherwise.

    The file has the permissions that the umask gives; a link in its place is replaced, not followed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent, path.name)
    part, lock = _make(path)
    try:
        written = part / path.name
        yield written
        written.chmod(file_mode(part))
        with written.open("rb") as file:
            os.fsync(file.fileno())
        written.replace(path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(lock)
