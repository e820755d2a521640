"""The light side of jobs: submit, look, cancel, retry, and see to it that workers run. Imports no science."""

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

from saetui.jobs.errors import JobError
from saetui.jobs.files import locked, tail
from saetui.jobs.folder import JobFolder, Record
from saetui.jobs.job import Job
from saetui.jobs.launch import WorkerFiles, start_worker
from saetui.jobs.lease import Lease
from saetui.jobs.progress import ProgressReader
from saetui.jobs.queue import Entry, Queue, is_queued_here

if TYPE_CHECKING:
    import subprocess

IDLE_S = 900.0
GRACE_S = 10.0
# A worker shows life every second; after this silence it is stopped or its machine is.
SILENT_S = 30.0
# Of an ended job's progress, its last records are enough.
_LAST_BYTES = 2048
# So many starts in a row that end badly and within seconds are no accident.
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
            idle_s: seconds a worker stays warm without work.
            grace_s: seconds a cancelled job has to stop by itself.
        """
        self.store_root = Path(store_root).resolve()
        self.jobs_root = self.store_root / "jobs"
        self._idle_s = idle_s
        self._grace_s = grace_s
        self._queue = Queue(self.jobs_root)
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
        """Queues a job and sees to it that a worker runs.

        A spec with the same content that is done, running or queued is not run again: its job is returned, unless
        ``force``. What depends on what the store holds ("*": all SAEs) is run again once it is done. ``device``: "cpu",
        "cuda:0", …; by default that of the job it comes after, else the freest.

        Raises:
            JobError: the device or a job in ``after`` does not exist, or the store's folder cannot be written.
        """
        if device is not None:
            _check_device(device)
        waits_for = tuple(job.id if isinstance(job, Job) else job for job in after)
        self._make_jobs_folder()
        try:
            with locked(self.jobs_root / ".submit.lock"):
                record = self._find_or_queue(spec, device, waits_for, force=force)
        except OSError as error:
            raise JobError(f"{self.jobs_root}: jobs cannot be queued here ({error.strerror})") from error
        self.ensure_workers()
        return self.job(record.job_id)

    def jobs(self) -> list[Job]:
        """All jobs, oldest first."""
        entries = self._queue.entries()
        self._readers = {job_id: reader for job_id, reader in self._readers.items() if job_id in entries}
        jobs = {}
        for job_id, entry in entries.items():
            before = self._jobs.get(job_id)
            if before is not None and before.has_ended and before.record is entry.record:
                jobs[job_id] = before
            else:
                jobs[job_id] = self._snapshot(entry, entries)
        self._jobs = jobs
        return list(jobs.values())

    def job(self, job_id: str) -> Job:
        """One job. Raises JobError where there is none of this id."""
        entries = self._queue.entries()
        return self._snapshot(self._entry(job_id, entries), entries)

    def cancel(self, job_id: str, *, now: bool = False) -> Job:
        """Stops a job: a queued one at once; a running one when it next looks, by force after the grace period.

        ``now`` leaves out the grace period. Jobs that wait for it fail. An ended job stays as it is.
        """
        entry = self._entry(job_id)
        record = entry.folder.end("cancelled", "cancelled before it started", only_from=("queued",))
        if record.state == "running":
            try:
                entry.folder.ask_cancel(now=now)
            except OSError as error:
                raise JobError(f"{entry.folder.cancel}: cannot be written ({error.strerror})") from error
            if self._silence(record) > SILENT_S:
                self._kill_silent(entry.folder, record)
        return self.job(job_id)

    def retry(self, job_id: str) -> Job:
        """Queues a failed or cancelled job anew, as a new job; failed jobs that it waited for are retried as well.

        Raises:
            JobError: the job has not ended, or is done.
        """
        with locked(self.jobs_root / ".submit.lock"):
            entries = self._queue.entries()
            new = self._retry(self._entry(job_id, entries), entries)
        self.ensure_workers()
        return self.job(new)

    def move(self, job_id: str, device: str) -> Job:
        """Pins a queued job to another device.

        Raises:
            JobError: the job is not queued, or there is no such device.
        """
        _check_device(device)

        def decide(record: Record) -> Record | None:
            if record.state != "queued":
                raise JobError(f"{job_id} is {record.state}; only a queued job can move to another device")
            return replace(record, device=device, host=platform.node())

        self._entry(job_id).folder.change(decide)
        self.ensure_workers()
        return self.job(job_id)

    def ensure_workers(self) -> None:
        """Starts a worker for each device of this machine that has jobs queued and no worker; cheap to call often."""
        entries = self._queue.entries()
        for device in {e.record.device for e in entries.values() if is_queued_here(e.record, e.record.device)}:
            lease = WorkerFiles(self.jobs_root, device).lease
            if lease.is_free() and self._may_start(device, lease, entries):
                failures = self._started[device].failures if device in self._started else 0
                process = start_worker(self.store_root, device, idle_s=self._idle_s, grace_s=self._grace_s)
                self._started[device] = _Started(process, failures, time.monotonic())

    def release_workers(self) -> None:
        """Asks this machine's workers of the store to end as soon as they have no work, instead of staying warm."""
        for folder in (self.jobs_root / ".workers" / platform.node()).glob("*/"):
            (folder / "leave").touch()

    def _make_jobs_folder(self) -> None:
        try:
            self.jobs_root.mkdir(exist_ok=True)
        except FileNotFoundError:
            raise JobError(
                f"{self.store_root}: there is no such store; make one with: saetui demo --store DIR"
            ) from None
        except OSError as error:
            raise JobError(f"{self.jobs_root}: jobs cannot be queued here ({error.strerror})") from error

    def _find_or_queue(
        self, spec: Submittable, device: str | None, waits_for: tuple[str, ...], *, force: bool
    ) -> Record:
        entries = self._queue.entries()
        for job_id in waits_for:
            if job_id not in entries:
                raise JobError(f"after: there is no job {job_id!r} in {self.jobs_root}")
        content_hash = _hash_after(spec.content_hash, [entries[job_id].record.content_hash for job_id in waits_for])
        same = None if force else _same_work(entries, content_hash, lasts=spec.lasts)
        if same is not None:
            return same.record
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
        )
        JobFolder.create(self.jobs_root, record, spec.document())
        return record

    def _entry(self, job_id: str, entries: dict[str, Entry] | None = None) -> Entry:
        entries = self._queue.entries() if entries is None else entries
        if job_id not in entries:
            raise JobError(f"there is no job {job_id!r} in {self.jobs_root}; see them with: saetui jobs")
        return entries[job_id]

    def _snapshot(self, entry: Entry, entries: dict[str, Entry]) -> Job:
        path, job_id = entry.folder.progress, entry.record.job_id
        reader = self._readers.get(job_id)
        if reader is None:
            reader = ProgressReader(path, last_bytes=_LAST_BYTES if entry.record.has_ended else None)
            self._readers[job_id] = reader
        return Job(entry.folder, entry.record, reader.read(), self._waiting(entry.record, entries))

    def _waiting(self, record: Record, entries: dict[str, Entry]) -> str | None:
        if record.state == "running":
            silence = self._silence(record)
            return f"no sign of life for {silence:.0f} s" if silence > SILENT_S else None
        if record.state != "queued":
            return None
        for job_id in record.after:
            if job_id in entries and entries[job_id].record.state != "done":
                return f"after {entries[job_id].record.title}"
        if record.host != platform.node():
            return f"queued on {record.host}"
        with contextlib.suppress(FileNotFoundError):
            return WorkerFiles(self.jobs_root, record.device).waiting.read_text(encoding="utf-8")
        return None

    def _silence(self, record: Record) -> float:
        """Seconds since the worker of a running job last showed life."""
        try:
            beat = WorkerFiles(self.jobs_root, record.device, record.host).heartbeat.stat().st_mtime
        except FileNotFoundError:
            beat = record.started or record.created
        return max(0.0, time.time() - beat)

    def _kill_silent(self, folder: JobFolder, record: Record) -> None:
        """Ends a job whose worker cannot act on the wish: it is stopped, or its machine is gone."""
        worker = record.worker
        if worker is not None and worker.is_here and worker.alive:
            import psutil

            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(worker.pid)
                for member in [*process.children(recursive=True), process]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        member.kill()
        folder.end("cancelled", "its worker showed no life any more", worker=worker)

    def _choose_device(self, entries: dict[str, Entry], waits_for: Sequence[str]) -> str:
        if waits_for:
            return entries[waits_for[-1]].record.device  # Its worker has the model in memory.
        from saetui.jobs.devices import device_names

        here = [
            e.record.device for e in entries.values() if not e.record.has_ended and e.record.host == platform.node()
        ]
        names = device_names()
        gpus = [name for name in names if name != "cpu"]
        return min(gpus or names, key=here.count)

    def _may_start(self, device: str, lease: Lease, entries: dict[str, Entry]) -> bool:
        """Whether to start a worker, given that none holds the lease."""
        started = self._started.get(device)
        if started is None:
            return True
        code = started.process.poll()
        if code is None:
            # It is still starting; unless it had the lease, and is on its way out.
            return bool(lease.note().get("worker", {}).get("pid") == started.process.pid)
        age = time.monotonic() - started.at
        if code <= 0 or age > _SOUND_S:  # It went well, or was killed: the next one may do better at once.
            started.failures = 0
            return True
        if age < 2.0**started.failures:
            return False
        started.failures += 1
        if started.failures < _FAILED_STARTS:
            return True
        reason = " ".join(tail(WorkerFiles(self.jobs_root, device).log, 1)) or f"exit code {code}"
        for entry in entries.values():
            if is_queued_here(entry.record, device):
                message = f"the worker for {device} does not start: {reason}"
                entry.folder.end("failed", message, "see saetui doctor", only_from=("queued",))
        del self._started[device]
        return False

    def _retry(self, entry: Entry, entries: dict[str, Entry]) -> str:
        record = entry.record
        if record.state not in ("failed", "cancelled"):
            raise JobError(f"{record.job_id} is {record.state}; only a failed or cancelled job can be retried")
        latest = _latest(entry, entries)
        if latest.record.state not in ("failed", "cancelled"):
            return latest.record.job_id
        after = []
        for job_id in record.after:
            dependency = _latest(entries[job_id], entries) if job_id in entries else None
            if dependency is None:
                raise JobError(f"{record.job_id} waits for {job_id}, which is gone; submit it anew")
            ended_badly = dependency.record.state in ("failed", "cancelled")
            after.append(self._retry(dependency, entries) if ended_badly else dependency.record.job_id)
        new = replace(
            record,
            job_id=_new_id(),
            state="queued",
            host=platform.node(),
            created=time.time(),
            after=tuple(after),
            retry_of=record.job_id,
            started=None,
            ended=None,
            message=None,
            hint=None,
            worker=None,
        )
        folder = JobFolder.create(self.jobs_root, new, entry.folder.read_spec())
        entries[new.job_id] = Entry(folder, new)
        return new.job_id


def _check_device(device: str) -> None:
    from saetui.jobs.devices import find_device

    find_device(device)


def _new_id() -> str:
    """Sorts by time of submission, also with other ids of the same second."""
    return f"{datetime.now():%Y%m%d-%H%M%S-%f}-{os.urandom(2).hex()}"


def _hash_after(spec_hash: str, before: Sequence[str]) -> str:
    """What a spec asks for after other jobs depends on what those were: names in it can mean their results."""
    if not before:
        return spec_hash
    return hashlib.sha256("\n".join([spec_hash, *before]).encode()).hexdigest()[: len(spec_hash)]


def _same_work(entries: dict[str, Entry], content_hash: str, *, lasts: bool) -> Entry | None:
    same = [e for e in entries.values() if e.record.content_hash == content_hash]
    for state in ("done", "running", "queued") if lasts else ("running", "queued"):
        for entry in same:
            if entry.record.state == state:
                return entry
    return None


def _latest(entry: Entry, entries: dict[str, Entry]) -> Entry:
    """The last retry of a job, or the job itself."""
    for other in reversed(entries.values()):
        if other.record.retry_of == entry.record.job_id:
            return _latest(other, entries)
    return entry
