"""Workers that show no sign of life: for how long, what is said of the jobs they have, and how these are ended."""

import contextlib
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from saetui.jobs.exceptions import JobError
from saetui.jobs.folder import JobFolder, Record
from saetui.jobs.identity import ProcessIdentity
from saetui.jobs.launch import WorkerFiles
from saetui.jobs.pulse import SILENT_S, Pulse, silence_by_clock

# A worker beats every second; a younger heartbeat needs no second look.
_FRESH_S = 3.0


class Silence:
    """The silence of a store's workers, as ``pulse`` watches it or by the clock where nobody watched that long."""

    def __init__(self, store_root: Path, pulse: Pulse) -> None:
        self._store_root = store_root
        self._jobs_root = store_root / "jobs"
        self._pulse = pulse

    def of_running(self, record: Record) -> str | None:
        """The message about a running job whose worker shows no sign of life; None where it does."""
        return self._text(record, record.worker, record.started or record.created)

    def of_queued_here(self, record: Record) -> str | None:
        """What a job waits for that is queued on this machine; None where it is about to start."""
        files = self._files(record)
        said = files.read_waiting()
        if said is not None:
            return said
        try:
            if files.last_beat() is None or files.lease.is_free():
                return None  # It is about to start.
        except JobError as error:
            return str(error)
        return self._text(record, files.lease.holder(), record.created)

    def of_queued_elsewhere(self, record: Record) -> str:
        """What a job waits for that is queued on another machine."""
        silence = self._seconds(record, record.created)
        if silence <= _FRESH_S:
            return f"queued on {record.host}"
        if has_device(record.device):
            then = f"after {SILENT_S:.0f} s without one it runs here"
        else:
            then = f"`saetui jobs start {record.job_id} --device cpu` runs it here"
        return f"queued on {record.host}, which has shown no sign of life for {silence:.0f} s; {then}"

    def is_silent(self, record: Record) -> bool:
        """Whether the worker of a running job cannot act on a request: it is stopped, or its machine is gone."""
        if record.worker is not None and record.worker.is_stopped:
            return True
        files = self._files(record)
        if self._pulse.silence(files) > SILENT_S:
            return True
        if silence_by_clock(files, record.started or record.created) <= SILENT_S:
            return False
        # A clock that was set looks the same as a worker that is gone; a living one shows itself within a second.
        before, until = files.last_beat(), time.monotonic() + _FRESH_S
        while time.monotonic() < until:
            if files.last_beat() != before:
                return False
            time.sleep(0.1)
        return True

    def end(self, folder: JobFolder, record: Record) -> None:
        """End a job whose worker cannot act on the request."""
        worker = record.worker
        if worker is not None:
            kill_worker(worker, self._store_root)
        folder.end("cancelled", "its worker showed no sign of life any more", worker=worker)

    def _files(self, record: Record) -> WorkerFiles:
        return WorkerFiles(self._jobs_root, record.device, record.host)

    def _seconds(self, record: Record, since: float) -> float:
        files = self._files(record)
        return max(self._pulse.silence(files), silence_by_clock(files, since))

    def _text(self, record: Record, worker: ProcessIdentity | None, since: float) -> str | None:
        silence = self._seconds(record, since)
        stopped = silence > _FRESH_S and worker is not None and worker.is_stopped
        if silence <= SILENT_S and not stopped:
            return None
        why = f": its worker (PID {worker.pid}) is stopped" if stopped and worker is not None else ""
        return f"no sign of life for {silence:.0f} s{why}"


def has_device(name: str) -> bool:
    """Whether this machine has a device that can be used, by its name or id.

    Asking for another than the CPU loads libraries.
    """
    if name == "cpu":
        return True
    from saetui.jobs.devices import find_device

    try:
        find_device(name)
    except JobError:
        return False
    return True


def kill_worker(worker: ProcessIdentity, store_root: Path) -> bool:
    """Kills a worker and all that it started, if the process is one of this very store; returns whether it was.

    What is written in a store may name any process, so that its start time and its command have to agree.
    """
    if not worker.is_here or not worker.alive:
        return False
    import psutil

    try:
        process = psutil.Process(worker.pid)
        if not _is_worker_of(process.cmdline(), store_root) or not worker.alive:
            return False
        members = [*process.children(recursive=True), process]
    except psutil.Error:
        return False
    for member in members:
        with contextlib.suppress(psutil.Error):
            member.kill()
    return True


def _is_worker_of(command: Sequence[str], store_root: Path) -> bool:
    follows = dict(pairwise(command))
    given = follows.get("--store")
    return follows.get("-m") == "saetui.jobs.worker" and given is not None and Path(given).resolve() == store_root
