"""Leases: a device belongs to one worker at a time, and the kernel takes the lease back when its holder dies.

A store has one lease per device. A GPU has one more for the whole machine, so that two stores never compute on it at
once.
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from saetui.jobs.exceptions import JobError
from saetui.jobs.files import flock, require_plain
from saetui.jobs.identity import ProcessIdentity
from saetui.plain_data import parse_object
from store.plain import open_plain, read_plain

# Checking whether a lease is free takes it for an instant; a real holder keeps it longer than this.
_PROBE_S = 0.5
# Someone who waits for a lease says so at least this often.
_WANTED_S = 5.0
_NOTE_BYTES = 1 << 16
_TEXT = 300


class Lease:
    """A lock on a file, with a note in it that says who has it."""

    def __init__(self, path: Path, *, root: Path | None = None, for_everybody: bool = False) -> None:
        """``root``: the store it lies in, where no link is followed; ``for_everybody``: others may take it, too."""
        self.path = path
        self._root = root
        self._for_everybody = for_everybody
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
        with contextlib.suppress(OSError):  # Those who still wait say so again.
            self._wanted.unlink(missing_ok=True)
        return True

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def is_free(self) -> bool:
        """Whether nobody has it at this moment. Raises JobError where that cannot be found out."""
        if not os.path.lexists(self.path):
            return True
        fd = self._open(self.path)
        try:
            return flock(fd, self.path, wait=False)
        finally:
            os.close(fd)

    def note(self) -> dict[str, Any]:
        """What the holder (or, if it is free, the last one) wrote; empty where nothing was."""
        try:
            if self._root is not None:
                require_plain(self._root, self.path)
            return parse_object(read_plain(self.path, _NOTE_BYTES))
        except (OSError, ValueError, JobError):
            return {}

    def holder(self) -> ProcessIdentity | None:
        """The worker that has it or had it last, where its note says so."""
        try:
            return ProcessIdentity.from_json(self.note().get("worker"))
        except ValueError:
            return None

    def said(self, name: str) -> str:
        """A text of the note; "?" where there is none."""
        text = self.note().get(name)
        return text[:_TEXT] if isinstance(text, str) and text else "?"

    def ask_for(self) -> None:
        """Tells a holder who only keeps it warm that somebody waits for it."""
        os.close(self._open(self._wanted))
        os.utime(self._wanted)

    def is_asked_for(self) -> bool:
        """Whether somebody has waited for it within the last seconds."""
        try:
            # In either direction: a clock that was set back must not make it last forever.
            return abs(time.time() - self._wanted.lstat().st_mtime) < _WANTED_S
        except OSError:
            return False

    @property
    def _wanted(self) -> Path:
        return self.path.with_suffix(".wanted")

    def _open(self, path: Path) -> int:
        if self._root is not None:
            require_plain(self._root, path)
        try:
            with contextlib.suppress(FileNotFoundError):
                # Without O_CREAT, for Linux refuses that on another's file in a folder where everybody can write.
                return open_plain(path, os.O_RDWR)
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = open_plain(path, os.O_RDWR | os.O_CREAT)
            if self._for_everybody and os.fstat(fd).st_uid == os.geteuid():
                os.fchmod(fd, 0o666)  # Whatever the umask.
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
