"""The workers of a store on this machine: started where there are jobs for them, and asked to leave."""

import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from saetui.jobs.devices import choose_device, name_of
from saetui.jobs.files import require_plain, saying, tail
from saetui.jobs.folder import JobFolder, Record
from saetui.jobs.hosts import Hosts
from saetui.jobs.launch import WorkerFiles, start_worker, warm_seconds
from saetui.jobs.lease import Lease
from saetui.jobs.queue import Latest, Queue, QueueEntry, is_queued_here, open_here
from saetui.jobs.silence import has_device

if TYPE_CHECKING:
    import subprocess

# This many starts in a row that fail within seconds are not an accident.
_FAILED_STARTS, _SOUND_S = 3, 10.0


@dataclass
class _Started:
    process: "subprocess.Popen[bytes]"
    failures: int  # starts in a row before this one that failed
    at: float


class Workforce:
    """Starts the workers that a store's queue needs here, one for each device, and remembers how the starts went."""

    def __init__(self, store_root: Path, queue: Queue, hosts: Hosts, *, idle_s: float | None, grace_s: float) -> None:
        self._store_root = store_root
        self._jobs_root = store_root / "jobs"
        self._queue = queue
        self._hosts = hosts
        self._idle_s = idle_s
        self._grace_s = grace_s
        self._started: dict[str, _Started] = {}

    def ensure(self) -> None:
        """As :meth:`saetui.jobs.client.JobClient.ensure_workers`."""
        entries = self._queue.entries()
        latest = Latest(entries)
        ours = [
            entry
            for entry in entries.values()
            if entry.record.state == "queued" and latest.blocked(entry.record) is None and self._queue.is_ours(entry)
        ]
        here: dict[str, str] = {}
        devices = set()
        with saying("the jobs cannot be run", self._jobs_root):
            for entry in ours:
                device = entry.record.device
                name = here.get(device) or here.setdefault(device, self._hosts.here(device))
                if entry.record.host == name or self._take_over(entry, name):
                    devices.add(device)
            for device in sorted(devices):
                self._ensure_one(device, here[device], entries)

    def release(self) -> None:
        """As :meth:`saetui.jobs.client.JobClient.release_workers`."""
        with saying("the workers cannot be asked to leave", self._jobs_root):
            for name in {platform.node(), *self._hosts.names()}:
                folder = self._jobs_root / ".workers" / name
                require_plain(self._store_root, folder)
                for device in sorted(path.name for path in folder.glob("*/")):
                    files = WorkerFiles(self._jobs_root, device, name)
                    holder = files.lease.holder()
                    if holder is not None and holder.is_here and holder.alive:
                        files.ask_to_leave()

    def _ensure_one(self, device: str, host: str, entries: dict[str, QueueEntry]) -> None:
        lease = WorkerFiles(self._jobs_root, device, host).lease
        if lease.is_free() and self._may_start(device, lease, entries):
            failures = self._started[device].failures if device in self._started else 0
            idle_s = warm_seconds(device) if self._idle_s is None else self._idle_s
            process = start_worker(self._store_root, device, idle_s=idle_s, grace_s=self._grace_s)
            self._started[device] = _Started(process, failures, time.monotonic())

    def _take_over(self, entry: QueueEntry, host: str) -> bool:
        """Queues a job here that is queued on a machine which is gone; False where it is not, or lacks the device."""
        record = entry.record
        if not self._hosts.is_gone(record.host, record.device) or not has_device(record.device):
            return False
        return self._move_here(entry.folder, record.host, host).host == host

    @staticmethod
    def _move_here(folder: JobFolder, before: str, host: str) -> Record:
        def decide(record: Record) -> Record | None:
            return replace(record, host=host) if record.state == "queued" and record.host == before else None

        return folder.change(decide)

    def _may_start(self, device: str, lease: Lease, entries: dict[str, QueueEntry]) -> bool:
        """Whether to start a worker, given that none holds the lease."""
        started = self._started.get(device)
        if started is None:
            return True
        code = started.process.poll()
        if code is None:
            # It is still starting; unless it had the lease, and is on its way out.
            holder = lease.holder()
            return holder is not None and holder.pid == started.process.pid
        age = time.monotonic() - started.at
        if code <= 0 or age > _SOUND_S:  # It ended well, or was killed: the next one may start at once.
            started.failures = 0
            return True
        if age < 2.0**started.failures:
            return False
        started.failures += 1
        if started.failures < _FAILED_STARTS:
            return True
        reason = " ".join(tail(WorkerFiles(self._jobs_root, device).log, 1)) or f"exit code {code}"
        message = f"the worker for {name_of(device)} does not start: {reason}"
        for entry in entries.values():
            if not is_queued_here(entry.record, device) or not self._queue.is_ours(entry):
                continue
            if device == "cpu" or entry.record.is_second:
                hint = f"its log is {WorkerFiles(self._jobs_root, device).log}"
                entry.folder.end("failed", message, hint, only_from=("queued",))
            else:
                self._move_elsewhere(entry, message, entries)
        del self._started[device]
        return False

    def _move_elsewhere(self, entry: QueueEntry, message: str, entries: dict[str, QueueEntry]) -> None:
        """Gives a job that a GPU cannot run to what is left, once."""
        device, why = choose_device(open_here(entries), self._store_root, but=entry.record.device)
        told = f"{message}; it runs on {device.name}" + (f"; {why}" if why else "")

        def decide(record: Record) -> Record | None:
            if record.state != "queued":
                return None
            return replace(record, device=device.key, host=self._hosts.here(device.key), is_second=True, remark=told)

        entry.folder.change(decide)
