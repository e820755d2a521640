"""Small files that several processes share: atomic JSON, file locks, tails. Links in a store are never followed."""

import contextlib
import errno
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from saetui import disk_errors
from saetui.jobs.exceptions import JobError
from saetui.plain_data import DepthError, NoObjectError, parse_object
from store.exceptions import StoreUnreadable
from store.plain import check_plain, open_plain, read_plain

# Larger than any state, note or specification.
_JSON_BYTES = 16 << 20


def read_json(path: Path, limit: int = _JSON_BYTES) -> dict[str, Any]:
    """The JSON object in an ordinary file of at most ``limit`` bytes.

    Raises:
        JobError: the file is not a JSON object.
        OSError: it cannot be read, is a link or a pipe, or is larger.
    """
    return parse_json(read_plain(path, limit), path)


def parse_json(content: bytes, path: Path) -> dict[str, Any]:
    """The JSON object in ``content``, read from ``path``; JobError where it is not one."""
    try:
        return parse_object(content)
    except NoObjectError as error:
        raise JobError(f"{path}: expected a JSON object; this {error}") from error
    except DepthError as error:
        raise JobError(f"{path}: nested too deeply") from error
    except ValueError as error:
        raise JobError(f"{path}: not JSON ({error})") from error


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Replaces the file in one step: a reader sees the old content or the new one, whatever happens."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(open_plain(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def touch(path: Path) -> None:
    """Makes an empty file, or sets the time of an ordinary one to now."""
    fd = open_plain(path, os.O_WRONLY | os.O_CREAT)
    try:
        os.utime(fd)
    finally:
        os.close(fd)


def require_plain(root: Path, path: Path) -> None:
    """JobError where ``path``, or anything between it and the store's folder ``root``, is a link."""
    try:
        check_plain(root, path)
    except StoreUnreadable as error:
        raise JobError(str(error)) from error


def require_plain_tree(folder: Path) -> None:
    """JobError where something in a folder is neither a file nor a folder: a link, a pipe, a device.

    OSError where it cannot be looked through.
    """

    def stop(error: OSError) -> NoReturn:
        raise error

    for at, folders, files in os.walk(folder, onerror=stop):
        for name in folders:
            if os.path.islink(os.path.join(at, name)):
                raise JobError(f"{os.path.join(at, name)}: is a link, which no folder of a job has; remove it")
        for name in files:
            path = Path(at, name)
            try:
                os.close(open_plain(path))
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO):
                    raise JobError(f"{path}: is a link, a pipe or a device; remove it") from error
                raise


@contextmanager
def saying(what: str, path: Path) -> Iterator[None]:
    """A block whose OSErrors become a JobError that says what cannot be done, with which file, and the way out."""
    try:
        yield
    except OSError as error:
        reason = disk_errors.told(error)
        named = reason if error.filename is not None else f"{path}: {reason}"
        raise JobError(f"{what}: {named}") from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on a file for a moment; the kernel releases it if this process dies."""
    fd = open_plain(path, os.O_RDWR | os.O_CREAT)
    try:
        flock(fd, path, wait=True)
        yield
    finally:
        os.close(fd)


def flock(fd: int, path: Path, *, wait: bool) -> bool:
    """Takes the exclusive lock of an open file; False where another process has it and ``wait`` is not set.

    Raises:
        JobError: the file system has no locks.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise JobError(f"{path}: this file system has no file locks; put the store on another one") from error
        raise
    return True


def append(path: Path, text: str) -> None:
    """Appends to an ordinary file, made where it is not there."""
    fd = open_plain(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with os.fdopen(fd, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def tail(path: Path, lines: int, *, max_bytes: int = 65536) -> list[str]:
    """The last lines of a text file, without blank ones; none where the file is not there.

    Where it cannot be read, one line says so.
    """
    try:
        with os.fdopen(open_plain(path), "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - max_bytes))
            data = file.read(max_bytes)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"{path.name} cannot be read ({error.strerror})"]
    # A progress bar rewrites its line with carriage returns; only its last form is worth showing.
    text = data.decode("utf-8", errors="replace").splitlines()
    return [line for line in text if line.strip()][-lines:] if lines > 0 else []


def remove_parts(folder: Path, pattern: str) -> None:
    """Removes what dead writers left of files that they had not finished; called by who holds the folder's lock."""
    with contextlib.suppress(OSError):
        for part in folder.glob(pattern):
            with contextlib.suppress(OSError):
                part.unlink()
