"""Leases: a device belongs to one worker at a time, and the kernel takes the lease back when its holder dies.

A store has one lease a device. A GPU has one more for the whole machine, so that two stores never compute on it at
once.
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from saetui.jobs.errors import JobError
from saetui.jobs.files import flock

# Whoever asks whether a lease is free takes it for an instant; a real holder keeps it longer than this.
_PROBE_S = 0.5
# Someone who waits for a lease says so at least this often.
_WANTED_S = 5.0


class Lease:
    """A lock on a file, with a note in it that says who has it."""

    def __init__(self, path: Path, *, for_everybody: bool = False) -> None:
        """``for_everybody``: other people, too, may take it."""
        self.path = path
        self._mode = 0o666 if for_everybody else 0o644
        self._fd: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def fd(self) -> int:
        """Given to a child process, it keeps the lease for as long as the child lives."""
        assert self._fd is not None
        return self._fd

    def acquire(self, note: Mapping[str, Any]) -> bool:
        """Takes the lease if it is free; False where another process has it."""
        fd = self._open(self.path)
        deadline = time.monotonic() + _PROBE_S
        try:
            while not flock(fd, self.path, wait=False):
                if time.monotonic() > deadline:
                    os.close(fd)
                    return False
                time.sleep(0.01)
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(dict(note)).encode(), 0)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        with contextlib.suppress(OSError):  # Who still waits says so again.
            self._wanted.unlink(missing_ok=True)
        return True

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def is_free(self) -> bool:
        """Whether nobody has it at this moment."""
        if not self.path.exists():
            return True
        fd = self._open(self.path)
        try:
            return flock(fd, self.path, wait=False)
        finally:
            os.close(fd)

    def note(self) -> dict[str, Any]:
        """What the holder (or, if it is free, the last one) wrote; empty where nothing was."""
        try:
            data = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def ask_for(self) -> None:
        """Tells a holder who only keeps it warm that somebody waits for it."""
        os.close(self._open(self._wanted))
        os.utime(self._wanted)

    def is_asked_for(self) -> bool:
        """Whether somebody has waited for it within the last seconds."""
        try:
            return time.time() - self._wanted.stat().st_mtime < _WANTED_S
        except FileNotFoundError:
            return False

    @property
    def _wanted(self) -> Path:
        return self.path.with_suffix(".wanted")

    def _open(self, path: Path) -> int:
        try:
            with contextlib.suppress(FileNotFoundError):
                # Without O_CREAT, for Linux refuses that on another's file in a folder where everybody can write.
                return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, self._mode)
            if os.fstat(fd).st_uid == os.geteuid():
                os.fchmod(fd, self._mode)  # Whatever the umask.
            return fd
        except OSError as error:
            message = f"{path}: the lease cannot be opened ({error.strerror}); remove the file or give access to it"
            raise JobError(message) from error


def machine_lease(uuid: str) -> Lease:
    """The lease of a GPU for all stores and all people of this machine, by the GPU's own id."""
    folder = Path(os.environ.get("SAETUI_LEASES", "/tmp/saetui-leases"))
    try:
        folder.mkdir(mode=0o777, parents=True)
        folder.chmod(0o1777)  # The umask must not keep others out; the sticky bit keeps their files theirs.
    except FileExistsError:
        pass
    return Lease(folder / f"{uuid}.lease", for_everybody=True)
