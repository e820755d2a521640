"""Starts workers: separate processes in a session of their own, which outlive the terminal that asked for them."""

import contextlib
import importlib.util
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from saetui.jobs.exceptions import JobError
from saetui.jobs.files import require_plain, touch
from saetui.jobs.lease import Lease
from store.plain import open_plain, read_plain

# A model on a CPU is in nobody's way.
_CPU_IDLE_S, _GPU_IDLE_S = 900.0, 120.0


class WorkerFiles:
    """What is on disk of the worker of one device on this machine."""

    def __init__(self, jobs: Path, device: str, host: str | None = None) -> None:
        # Each host has its own workers on a store that several machines share.
        self._root = jobs.parent
        self.path = jobs / ".workers" / (host or platform.node()) / re.sub(r"[^A-Za-z0-9-]", "-", device)
        self.lease = Lease(self.path / "device.lease", root=self._root)
        self.log = self.path / "log.txt"
        self.heartbeat = self.path / "heartbeat"
        self.waiting = self.path / "waiting"  # why its jobs wait, in words
        self.leave = self.path / "leave"  # asks it not to stay warm
        self.held = self.path / "held"  # bytes of its GPU's memory that it keeps between jobs

    def make(self) -> None:
        """Makes the folder. JobError where a link is in the way, OSError where it cannot be made."""
        require_plain(self._root, self.path)
        self.path.mkdir(parents=True, exist_ok=True)

    def beat(self) -> None:
        """Beats: a sign of life. Raises as ``make``; FileNotFoundError where the folder is gone."""
        require_plain(self._root, self.path)
        touch(self.heartbeat)

    def last_beat(self) -> float | None:
        """Its last sign of life, by the clock of its machine; None where there was none, or that cannot be told."""
        try:
            require_plain(self._root, self.heartbeat)
            return os.lstat(self.heartbeat).st_mtime
        except (OSError, JobError):
            return None

    def ask_to_leave(self) -> None:
        """Asks the worker to end as soon as it has no work. Raises as ``beat``."""
        require_plain(self._root, self.path)
        touch(self.leave)

    def say_waiting(self, text: str) -> None:
        """Says why the jobs of this device wait. Raises as ``beat``."""
        self._write(self.waiting, text)

    def say_held(self, n_bytes: int) -> None:
        """Says how much of its GPU's memory the worker keeps. Raises as ``beat``."""
        if n_bytes:
            self._write(self.held, str(n_bytes))
        else:
            self.forget(self.held)

    def _write(self, path: Path, text: str) -> None:
        require_plain(self._root, self.path)
        with os.fdopen(open_plain(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w", encoding="utf-8") as file:
            file.write(text)

    def forget(self, path: Path) -> None:
        """Removes one of its files; where that cannot be done, the file stays."""
        with contextlib.suppress(OSError, JobError):
            require_plain(self._root, self.path)
            path.unlink(missing_ok=True)

    def read_held(self) -> int:
        """Bytes of its GPU's memory that the worker keeps; 0 where none is alive."""
        try:
            require_plain(self._root, self.held)
            held = int(read_plain(self.held, 64))
        except (OSError, JobError, ValueError):
            return 0
        return 0 if self.lease.is_free() else held

    def read_waiting(self) -> str | None:
        """Why the jobs of this device wait, where its worker has said so."""
        try:
            require_plain(self._root, self.waiting)
            return read_plain(self.waiting, 4096).decode("utf-8", "replace") or None
        except (OSError, JobError):
            return None


def warm_seconds(device: str) -> float:
    """How long the worker of a device stays warm without work.

    A GPU's memory is wanted by others, and given back soon; ``SAETUI_KEEP_WARM`` says otherwise, in seconds.

    Raises:
        JobError: it is not a number of seconds.
    """
    wanted = os.environ.get("SAETUI_KEEP_WARM")
    if wanted is None:
        return _CPU_IDLE_S if device == "cpu" else _GPU_IDLE_S
    try:
        seconds = float(wanted)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise JobError(f"SAETUI_KEEP_WARM is {wanted!r}; give the seconds that a worker stays warm without work")
    return seconds


# Started by this process, kept so that each is reaped when it ends.
_started: list["subprocess.Popen[bytes]"] = []


def start_worker(store_root: Path, device: str, *, idle_s: float, grace_s: float) -> "subprocess.Popen[bytes]":
    """Starts the worker of a device, detached: no signal or hang-up of this terminal reaches it."""
    _started[:] = [process for process in _started if process.poll() is None]
    files = WorkerFiles(store_root / "jobs", device)
    files.make()
    arguments = ["--store", str(store_root), "--device", device, "--idle", str(idle_s), "--grace", str(grace_s)]
    with os.fdopen(open_plain(files.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab") as log:
        process = subprocess.Popen(
            python_module("saetui.jobs.worker", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=store_root,
            env=child_environment(),
        )
    _started.append(process)
    return process


def python_module(module: str, *arguments: str) -> list[str]:
    """A command that runs a module of ours; ``-P`` keeps files in the child's folder from posing as modules."""
    return [sys.executable, "-P", "-m", module, *arguments]


def child_environment() -> dict[str, str]:
    """This process's environment, with the package findable where it runs from a checkout."""
    environment = dict(os.environ)
    spec = importlib.util.find_spec("saetui")
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parents[1]
    if "site-packages" not in home.parts:
        paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
        environment["PYTHONPATH"] = os.pathsep.join([*paths, str(home)])
    environment["PYTHONUNBUFFERED"] = "1"
    return environment
