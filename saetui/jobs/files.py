"""Small files that several processes share: atomic JSON, file locks, tails."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from saetui.jobs.errors import JobError


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        JobError: the file is not a JSON object.
        OSError: it cannot be read.
    """
    try:
        data = json.loads(path.read_bytes())
    except ValueError as error:
        raise JobError(f"{path}: not JSON ({error})") from error
    if not isinstance(data, dict):
        raise JobError(f"{path}: expected a JSON object")
    return data


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Replaces the file in one step: a reader sees the old content or the new one, whatever happens."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on a file for a moment; the kernel releases it if this process dies."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
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


def tail(path: Path, lines: int, *, max_bytes: int = 65536) -> list[str]:
    """The last lines of a text file, without blank ones; none where the file is not there."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - max_bytes))
            data = file.read()
    except FileNotFoundError:
        return []
    # A progress bar rewrites its line with carriage returns; only its last form is worth showing.
    text = data.decode("utf-8", errors="replace").splitlines()
    return [line for line in text if line.strip()][-lines:] if lines > 0 else []
