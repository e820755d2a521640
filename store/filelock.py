"""Advisory locks on files, by which processes on one store take turns."""

import fcntl
import os
import time
from pathlib import Path

_PAUSE = 0.002


class FileLock:
    """A lock on one file: many may hold it shared, or one exclusively; it is free again when its process ends."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def shared(self, patience: float = 0.0) -> bool:
        """Take the lock shared, or turn an exclusive hold into a shared one; False after ``patience`` seconds."""
        return self._take(fcntl.LOCK_SH, patience)

    def exclusive(self, patience: float = 0.0) -> bool:
        """Take the lock exclusively; False after ``patience`` seconds, and then a shared hold is lost as well."""
        return self._take(fcntl.LOCK_EX, patience)

    def release(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._descriptor)

    def _take(self, kind: int, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
            time.sleep(_PAUSE)
