"""Advisory locks on files, by which processes on one store take turns."""

import fcntl
import os
from pathlib import Path

from store.plain import open_plain


class FileLock:
    """A lock on one file: many may hold it shared, or one exclusively; it is free again when its process ends.

    OSError where the file cannot be opened, or is a link, a pipe or a device.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = open_plain(path, os.O_RDWR | os.O_CREAT)

    def shared(self) -> bool:
        """Take the lock shared, or turn an exclusive hold into a shared one; False where another is exclusive."""
        return self._take(fcntl.LOCK_SH)

    def exclusive(self) -> bool:
        """Take the lock exclusively; False where another holds it, and then a shared hold of one's own is lost too."""
        return self._take(fcntl.LOCK_EX)

    def is_of(self, path: Path) -> bool:
        """Whether the path still names the file that this lock is on."""
        try:
            return os.path.samestat(os.lstat(path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._descriptor)

    def _take(self, kind: int) -> bool:
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
