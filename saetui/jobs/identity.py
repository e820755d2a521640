"""The identity of a process: a PID alone is reused, so the start time, boot and PID namespace go with it."""

import math
import os
import platform
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

_HAS_PROC = sys.platform == "linux"
_TEXT = 200


@dataclass(frozen=True)
class ProcessIdentity:
    """One particular process: no later process with the same PID is mistaken for it."""

    pid: int
    started: str  # in the clock of its own boot, e.g. "ticks 918273"
    boot: str
    host: str
    pids: str = ""  # the PID namespace in which ``pid`` counts; "" where it was not recorded

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this PID now, or None where there is none (a zombie counts as none)."""
        started = _start_time(pid)
        return None if started is None else cls(pid, started, boot_id(), platform.node(), pid_namespace())

    @classmethod
    def current(cls) -> Self:
        me = cls.of(os.getpid())
        assert me is not None
        return me

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Raises ValueError where it is not what ``to_json`` gives."""
        if not isinstance(data, dict):
            raise ValueError(f"worker: expected an object, got {type(data).__name__}")
        pid = data.get("pid")
        if isinstance(pid, float) and math.isfinite(pid) and pid == int(pid):
            pid = int(pid)
        if not isinstance(pid, int) or isinstance(pid, bool) or not 0 < pid < 1 << 31:
            raise ValueError(f"worker: pid: {str(pid)[:40]} is no process")
        texts = (data.get("started"), data.get("boot"), data.get("host"), data.get("pids", ""))
        started, boot, host, pids = (text if isinstance(text, str) and len(text) <= _TEXT else None for text in texts)
        if started is None or boot is None or host is None or pids is None:
            raise ValueError("worker: started, boot, host and pids must be text")
        return cls(pid, started, boot, host, pids)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine, whatever it is called by now, so that its life can be checked.

        A container sees only its own processes: one of another container, or of the machine around, is not here.
        """
        if self.boot != boot_id():
            return self.host == platform.node()  # The machine was restarted since.
        return self.pids in ("", pid_namespace())

    @property
    def alive(self) -> bool:
        """Whether it still runs; True for a process of another machine, which cannot be checked from here."""
        if not self.is_here:
            return True
        return self.boot == boot_id() and _start_time(self.pid) == self.started

    @property
    def is_stopped(self) -> bool:
        """Whether it is here and alive, but halted by a signal or a debugger."""
        return self.is_here and self.alive and _state(self.pid) in ("T", "t", "stopped")


@cache
def boot_id() -> str:
    """Changes when the machine restarts."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        import psutil

        return f"boot {psutil.boot_time():.0f}"


@cache
def pid_namespace() -> str:
    """The namespace in which this process's PIDs count; "" where the system has none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


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
    fields = _stat(pid)
    return None if fields is None or fields[0] in (b"Z", b"X") else f"ticks {int(fields[19])}"


def _state(pid: int) -> str:
    if _HAS_PROC:
        fields = _stat(pid)
        return "" if fields is None else fields[0].decode()
    import psutil

    try:
        return str(psutil.Process(pid).status())
    except psutil.NoSuchProcess:
        return ""


def _stat(pid: int) -> list[bytes] | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat.rpartition(b")")[2].split()
