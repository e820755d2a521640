"""Which process is meant: a PID alone is reused, so the start time, boot and host go with it."""

import os
import platform
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

_HAS_PROC = sys.platform == "linux"


@dataclass(frozen=True)
class ProcessIdentity:
    """One process, for good: no later process with the same PID is mistaken for it."""

    pid: int
    started: str  # in the clock of its own boot, e.g. "ticks 918273"
    boot: str
    host: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this PID now, or None where there is none (a zombie counts as none)."""
        started = _start_time(pid)
        return None if started is None else cls(pid, started, boot_id(), platform.node())

    @classmethod
    def current(cls) -> Self:
        me = cls.of(os.getpid())
        assert me is not None
        return me

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(int(data["pid"]), str(data["started"]), str(data["boot"]), str(data["host"]))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine, so that its life can be checked."""
        return self.host == platform.node()

    @property
    def alive(self) -> bool:
        """Whether it still runs; True for a process of another machine, which cannot be checked from here."""
        if not self.is_here:
            return True
        return self.boot == boot_id() and _start_time(self.pid) == self.started


@cache
def boot_id() -> str:
    """Changes when the machine restarts."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        import psutil

        return f"boot {psutil.boot_time():.0f}"


def _start_time(pid: int) -> str | None:
    if _HAS_PROC:
        return _start_ticks(pid)
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"time {process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return None


def _start_ticks(pid: int) -> str | None:
    # psutil turns ticks into wall time, which moves whenever the clock is set; the ticks themselves never do.
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else f"ticks {int(fields[19])}"
