"""The client side of jobs: submit, list, cancel, retry, and make sure that workers run. Imports no science."""

import contextlib
import hashlib
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from saetui.jobs.exceptions import JobError
from saetui.jobs.files import locked, require_plain, require_plain_tree, saying, tail
from saetui.jobs.folder import JobFolder, Record, sweep
from saetui.jobs.hosts import Hosts
from saetui.jobs.job import Job
from saetui.jobs.launch import WorkerFiles, start_worker
from saetui.jobs.lease import Lease
from saetui.jobs.progress import ProgressReader
from saetui.jobs.queue import Latest, Queue, QueueEntry, is_queued_here
from saetui.jobs.silence import Silence, has_device

if TYPE_CHECKING:
    import subprocess

    from store.aside import Rejection

IDLE_S = 900.0
GRACE_S = 10.0
# Of an ended job's progress, its last records are enough.
_LAST_BYTES = 2048
# This many starts in a row that fail within seconds are not an accident.
_FAILED_STARTS, _SOUND_S = 3, 10.0


class Submittable(Protocol):
    """What the client needs of a spec; every ``saetui.jobs.specs.Spec`` has it."""

    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def content_hash(self) -> str: ...
    @property
    def lasts(self) -> bool: ...
    def document(self) -> dict[str, Any]: ...


@dataclass
class _Started:
    process: "subprocess.Popen[bytes]"
    failures: int  # starts in a row before this one that failed
    at: float


class JobClient:
    """The jobs of one store. Many clients, in many processes, can share a store."""

    def __init__(self, store_root: Path | str, *, idle_s: float = IDLE_S, grace_s: float = GRACE_S) -> None:
        """Looks at a store; nothing is made before the first job.

        Args:
            store_root: the store's folder.
            idle_s: seconds that a worker stays warm without work.
            grace_s: seconds that a cancelled job has to stop by itself.
        """
        self.store_root = Path(store_root).resolve()
        self.jobs_root = self.store_root / "jobs"
        self._idle_s = idle_s
        self._grace_s = grace_s
        self._queue = Queue(self.jobs_root)
        self._hosts = Hosts(self.jobs_root, self._queue.pulse)
        self._silence = Silence(self.store_root, self._queue.pulse)
        self._readers: dict[str, ProgressReader] = {}
        self._jobs: dict[str, Job] = {}
        self._started: dict[str, _Started] = {}

    def submit(
        self,
        spec: Submittable,
        device: str | None = None,
        after: Sequence[str | Job] = (),
        *,
        force: bool = False,
    ) -> Job:
        """Queues a job and makes sure that a worker runs.

        A spec with the same content that is done, running or queued is not run again: its job is returned (``found`` is
        set then), unless ``force``, or the files that it read have changed since. What depends on what the store holds
        ("*": all SAEs) is run again once it is done. ``device``: "cpu", "cuda:0", …; by default that of the job it
        comes after, else the freest.

        Raises:
            JobError: the device or a job in ``after`` does not exist, or the store's folder cannot be written.
        """
        if device is not None:
            _check_device(device)
        waits_for = tuple(job.id if isinstance(job, Job) else job for job in after)
        self._make_jobs_folder()
        with saying("the job cannot be queued", self.jobs_root), self._queue_locked():
            record, found = self._find_or_queue(spec, device, waits_for, force=force)
        self.ensure_workers()
        return replace(self.job(record.job_id), found=found)

    def jobs(self) -> list[Job]:
        """All jobs, oldest first; one that cannot be read is listed as failed, with the reason.

        Raises:
            JobError: the folder of all jobs cannot be read.
        """
        entries = self._queue.entries()
        latest = Latest(entries)
        self._readers = {job_id: reader for job_id, reader in self._readers.items() if job_id in entries}
        said: dict[str, str | None] = {}
        jobs = {}
        for job_id, entry in entries.items():
            before = self._jobs.get(job_id)
            if before is not None and before.has_ended and before.record is entry.record:
                jobs[job_id] = before
            else:
                jobs[job_id] = self._snapshot(entry, latest, said)
        self._jobs = jobs
        return list(jobs.values())

    def job(self, job_id: str) -> Job:
        """One job. Raises JobError where there is none of this id."""
        entries = self._queue.entries()
        return self._snapshot(self._entry(job_id, entries), Latest(entries), {})

    def set_aside(self) -> list["Rejection"]:
        """Results that do not fit the store, each with its reason and the job that made it.

        Raises:
            StoreError: the spool cannot be listed.
        """
        return self._queue.set_aside()

    def cancel(self, job_id: str, *, now: bool = False) -> Job:
        """Stops a job: a queued one at once; a running one when it next looks, by force after the grace period.

        ``now`` leaves out the grace period. Jobs that wait for it are blocked. An ended job stays as it is.

        Raises:
            JobError: there is no such job, or its folder cannot be written.
        """
        entry = self._entry(job_id)
        with saying("the job cannot be cancelled", entry.folder.path):
            record = entry.folder.end("cancelled", "cancelled before it started", only_from=("queued",))
            if record.state == "running":
                entry.folder.ask_cancel(now=now)
                if self._silence.is_silent(record):
                    self._silence.end(entry.folder, record)
        return self.job(job_id)

    def retry(self, job_id: str) -> Job:
        """Queues a failed or cancelled job again, as a new job; failed jobs that it waits for are retried as well.

        Of a job that is blocked, what blocks it is retried; it stays queued itself.

        Raises:
            JobError: the job has neither ended badly nor is blocked, or cannot be queued.
        """
        with saying("the job cannot be queued", self.jobs_root), self._queue_locked():
            entries = self._queue.entries()
            new = self._retry(self._entry(job_id, entries), entries)
        self.ensure_workers()
        return self.job(new)

    def start(self, job_id: str, device: str | None = None) -> Job:
        """Runs a queued job here that somebody else has queued, or that was queued on another machine.

        The caller has seen what it does, and wants it. ``device``: by default the one it is queued for.

        Raises:
            JobError: it is not queued, its folder holds links, its spec is not valid, or there is no such device.
        """
        from saetui.jobs.spec_files import parse_spec

        folder = self._entry(job_id).folder
        with saying("the job cannot be started", folder.path):
            require_plain_tree(folder.path)
            spec = parse_spec(folder.read_spec(), source=str(folder.spec))

            def decide(record: Record) -> Record | None:
                if record.state != "queued":
                    raise JobError(f"{job_id} is {record.state}; only a queued job can be started")
                where = device or record.device
                _check_device(where)
                return replace(
                    record,
                    kind=spec.kind,
                    title=spec.title,
                    content_hash=record.content_hash if record.after else spec.content_hash,
                    device=where,
                    host=self._hosts.here(where),
                    mark=folder.mark(),
                )

            folder.change(decide)
        self.ensure_workers()
        return self.job(job_id)

    def move(self, job_id: str, device: str) -> Job:
        """Pins a queued job to another device.

        Raises:
            JobError: the job is not queued, or there is no such device.
        """
        _check_device(device)

        def decide(record: Record) -> Record | None:
            if record.state != "queued":
                raise JobError(f"{job_id} is {record.state}; only a queued job can move to another device")
            return replace(record, device=device, host=self._hosts.here(device))

        folder = self._entry(job_id).folder
        with saying("the job cannot move", folder.path):
            folder.change(decide)
        self.ensure_workers()
        return self.job(job_id)

    def ensure_workers(self) -> None:
        """Starts a worker for each device here that has jobs of this user and no worker; cheap to call often.

        What this user has queued on a machine that is gone is taken over.

        Raises:
            JobError: a worker cannot be started, e.g. on a full or read-only disk.
        """
        entries = self._queue.entries()
        latest = Latest(entries)
        ours = [
            entry
            for entry in entries.values()
            if entry.record.state == "queued" and latest.blocked(entry.record) is None and self._queue.is_ours(entry)
        ]
        here: dict[str, str] = {}
        devices = set()
        with saying("the jobs cannot be run", self.jobs_root):
            for entry in ours:
                device = entry.record.device
                name = here.get(device) or here.setdefault(device, self._hosts.here(device))
                if entry.record.host == name or self._take_over(entry, name):
                    devices.add(device)
            for device in sorted(devices):
                self._ensure_worker(device, here[device], entries)

    def release_workers(self) -> None:
        """Asks this machine's workers of the store to end as soon as they have no work, instead of staying warm.

        Raises:
            JobError: the request cannot be written.
        """
        with saying("the workers cannot be asked to leave", self.jobs_root):
            for name in {platform.node(), *self._hosts.names()}:
                folder = self.jobs_root / ".workers" / name
                require_plain(self.store_root, folder)
                for device in sorted(path.name for path in folder.glob("*/")):
                    files = WorkerFiles(self.jobs_root, device, name)
                    holder = files.lease.holder()
                    if holder is not None and holder.is_here and holder.alive:
                        files.ask_to_leave()

    def _queue_locked(self) -> "contextlib.AbstractContextManager[None]":
        require_plain(self.store_root, self.jobs_root)
        return locked(self.jobs_root / ".submit.lock")

    def _ensure_worker(self, device: str, host: str, entries: dict[str, QueueEntry]) -> None:
        lease = WorkerFiles(self.jobs_root, device, host).lease
        if lease.is_free() and self._may_start(device, lease, entries):
            failures = self._started[device].failures if device in self._started else 0
            process = start_worker(self.store_root, device, idle_s=self._idle_s, grace_s=self._grace_s)
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

    def _make_jobs_folder(self) -> None:
        require_plain(self.store_root, self.jobs_root)
        with saying("jobs cannot be queued here", self.jobs_root):
            try:
                self.jobs_root.mkdir(exist_ok=True)
            except FileNotFoundError:
                raise JobError(
                    f"{self.store_root}: there is no such store; make one with: saetui demo --store DIR"
                ) from None

    def _find_or_queue(
        self, spec: Submittable, device: str | None, waits_for: tuple[str, ...], *, force: bool
    ) -> tuple[Record, bool]:
        """The job of a spec, and whether it was there before."""
        sweep(self.jobs_root)
        entries = self._queue.entries()
        latest = Latest(entries)
        for job_id in waits_for:
            if job_id not in entries:
                raise JobError(f"after: there is no job {job_id!r} in {self.jobs_root}")
        content_hash = _hash_after(spec.content_hash, [entries[job_id].record.content_hash for job_id in waits_for])
        same = [e for e in entries.values() if e.record.content_hash == content_hash]
        found = None if force else self._same_work(same, spec, waits_for, latest)
        if found is not None:
            record = found.record
            here = self._hosts.here(record.device)
            if record.state == "queued" and record.host != here and self._hosts.seems_gone(record.host, record.device):
                if device is None and not has_device(record.device):
                    device = self._choose_device(entries, waits_for)
                record = found.folder.change(
                    lambda now: replace(now, host=here, device=device or now.device) if now.state == "queued" else None
                )
            return record, True
        ended_badly = [e for e in same if e.record.state in ("failed", "cancelled")]
        record = Record(
            job_id=_new_id(),
            kind=spec.kind,
            title=spec.title,
            state="queued",
            device=self._choose_device(entries, waits_for) if device is None else device,
            host=platform.node(),
            content_hash=content_hash,
            created=time.time(),
            after=waits_for,
            # What waits for an earlier try goes on after this one.
            retry_of=_id_of(latest.of(ended_badly[-1].record.job_id)) if ended_badly else None,
        )
        record = replace(record, host=self._hosts.here(record.device))
        JobFolder.create(self.jobs_root, record, spec.document(), marked=True)
        return record, False

    def _same_work(
        self, same: Sequence[QueueEntry], spec: Submittable, waits_for: tuple[str, ...], latest: Latest
    ) -> QueueEntry | None:
        """A job that does (or has done) what a spec asks for, with the files as they are now; None without one."""
        after = [_id_of(latest.of(job_id)) for job_id in waits_for]
        state_of_files: str | None = None
        for state in ("done", "running", "queued") if spec.lasts else ("running", "queued"):
            for entry in same:
                record = entry.record
                if record.state != state or [_id_of(latest.of(job_id)) for job_id in record.after] != after:
                    continue
                if state == "queued" and not self._queue.is_ours(entry):
                    continue
                if state != "queued" and record.sources is not None:
                    if state_of_files is None:
                        state_of_files = sources_of(spec, self.store_root)
                    if record.sources != state_of_files:
                        continue
                return entry
        return None

    def _entry(self, job_id: str, entries: dict[str, QueueEntry] | None = None) -> QueueEntry:
        entries = self._queue.entries() if entries is None else entries
        if job_id not in entries:
            raise JobError(f"there is no job {job_id!r} in {self.jobs_root}; see them with: saetui jobs")
        return entries[job_id]

    def _snapshot(self, entry: QueueEntry, latest: Latest, said: dict[str, str | None]) -> Job:
        """``said``: what has been found out already of each device, to be asked once for all its jobs."""
        path, job_id = entry.folder.progress, entry.record.job_id
        reader = self._readers.get(job_id)
        if reader is None:
            reader = ProgressReader(path, last_bytes=_LAST_BYTES if entry.record.has_ended else None)
            self._readers[job_id] = reader
        blocked = latest.blocked(entry.record)
        waiting = blocked or self._waiting(entry, latest, said)
        can_start = entry.record.state == "queued" and waiting is not None and "saetui jobs start" in waiting
        return Job(entry.folder, entry.record, reader.read(), waiting, blocked, can_start)

    def _waiting(self, entry: QueueEntry, latest: Latest, said: dict[str, str | None]) -> str | None:
        record = entry.record
        if record.state == "running":
            return self._silence.of_running(record)
        if record.state != "queued":
            return None
        for job_id in record.after:
            dependency = latest.of(job_id)
            if dependency is not None and dependency.record.state != "done":
                return f"after {dependency.record.title}"
        if not self._queue.is_ours(entry):
            return f"queued by somebody else; `saetui jobs start {record.job_id}` runs it"
        here = said.get(f"host {record.device}") or self._hosts.here(record.device)
        said[f"host {record.device}"] = here
        if record.host != here:
            return self._silence.of_queued_elsewhere(record)
        if record.device not in said:
            said[record.device] = self._silence.of_queued_here(record)
        return said[record.device]

    def _choose_device(self, entries: dict[str, QueueEntry], waits_for: Sequence[str]) -> str:
        if waits_for:
            return entries[waits_for[-1]].record.device  # Its worker has the model in memory.
        from saetui.jobs.devices import device_names

        here = [
            e.record.device for e in entries.values() if not e.record.has_ended and e.record.host == platform.node()
        ]
        names = device_names()
        gpus = [name for name in names if name != "cpu"]
        return min(gpus or names, key=here.count)

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
        reason = " ".join(tail(WorkerFiles(self.jobs_root, device).log, 1)) or f"exit code {code}"
        for entry in entries.values():
            if is_queued_here(entry.record, device) and self._queue.is_ours(entry):
                message = f"the worker for {device} does not start: {reason}"
                hint = f"its log is {WorkerFiles(self.jobs_root, device).log}"
                entry.folder.end("failed", message, hint, only_from=("queued",))
        del self._started[device]
        return False

    def _retry(self, entry: QueueEntry, entries: dict[str, QueueEntry]) -> str:
        record = entry.record
        latest = Latest(entries)
        is_blocked = latest.blocked(record) is not None
        if record.state not in ("failed", "cancelled") and not is_blocked:
            raise JobError(f"{record.job_id} is {record.state}; only a failed or cancelled job can be retried")
        stands = latest.of(record.job_id) or entry
        if stands.record.state not in ("failed", "cancelled") and not latest.blocked(stands.record):
            return stands.record.job_id
        after = []
        for job_id in record.after:
            dependency = latest.of(job_id)
            if dependency is None:
                raise JobError(f"{record.job_id} waits for {job_id}, which is gone; submit it again")
            state = dependency.record.state
            if state in ("failed", "cancelled") or latest.blocked(dependency.record) is not None:
                after.append(self._retry(dependency, entries))
            else:
                after.append(dependency.record.job_id)
        if is_blocked:
            return record.job_id
        new = replace(
            record,
            job_id=_new_id(),
            state="queued",
            host=self._hosts.here(record.device),
            created=time.time(),
            after=tuple(after),
            retry_of=stands.record.job_id,
            started=None,
            ended=None,
            message=None,
            hint=None,
            worker=None,
            mark=None,
            sources=None,
        )
        folder = JobFolder.create(self.jobs_root, new, entry.folder.read_spec(), marked=True)
        entries[new.job_id] = QueueEntry(folder, folder.read())
        return new.job_id


def sources_of(spec: Submittable, store_root: Path) -> str:
    """The state of the files that a spec names; "" where it names none."""
    from saetui.jobs.sources_state import fingerprint
    from saetui.jobs.specs import Spec

    return fingerprint(spec, store_root) if isinstance(spec, Spec) else ""


def _id_of(entry: QueueEntry | None) -> str | None:
    return None if entry is None else entry.record.job_id


def _check_device(device: str) -> None:
    from saetui.jobs.devices import find_device

    find_device(device)


def _new_id() -> str:
    """Sorts by time of submission, also with other ids of the same second."""
    return f"{datetime.now():%Y%m%d-%H%M%S-%f}-{os.urandom(2).hex()}"


def _hash_after(spec_hash: str, before: Sequence[str]) -> str:
    """What a spec asks for after other jobs depends on those jobs: names in it can mean their results."""
    if not before:
        return spec_hash
    return hashlib.sha256("\n".join([spec_hash, *before]).encode()).hexdigest()[: len(spec_hash)]
