"""Which process holds the database."""

import fcntl
import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

# struct flock of <fcntl.h>: Linux has type and whence first, macOS and the BSDs last.
_LINUX = sys.platform.startswith("linux")
_FLOCK = "hhqqi4x" if _LINUX else "qqihh"
_PROGRAM_WIDTH = 80


@dataclass(frozen=True)
class Holder:
    """A process that has the database open: its id, and the command it runs."""

    pid: int
    program: str

    def __str__(self) -> str:
        return f"{self.program} (PID {self.pid})"


def holder_of(pid: int) -> Holder:
    """The holder with this process id; its program is "?" where the process may not be looked at."""
    import psutil

    try:
        process = psutil.Process(pid)
        program = " ".join(" ".join(process.cmdline()).split()) or process.name()
    except psutil.Error:
        program = "?"
    return Holder(pid, program if len(program) <= _PROGRAM_WIDTH else program[: _PROGRAM_WIDTH - 1] + "…")


class LockProbe:
    """Asks the system who holds DuckDB's lock on a database file, without touching the lock.

    The file stays open for as long as the probe: closing any descriptor of a file drops all record locks that the
    process has on it, DuckDB's included, so a probe is closed only after the database is.
    """

    def __init__(self, database: Path) -> None:
        self._descriptor = os.open(database, os.O_RDONLY | os.O_CLOEXEC)

    def conflicting(self, *, write: bool) -> Holder | None:
        """Another process whose lock keeps this one from writing (or only from reading), or None."""
        kind = fcntl.F_WRLCK if write else fcntl.F_RDLCK
        ask = struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0) if _LINUX else struct.pack(_FLOCK, 0, 0, 0, kind, 0)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(self._descriptor, fcntl.F_GETLK, ask))
        found, pid = (answer[0], answer[4]) if _LINUX else (answer[3], answer[2])
        return None if found == fcntl.F_UNLCK else holder_of(pid)

    def close(self) -> None:
        os.close(self._descriptor)
