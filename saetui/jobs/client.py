"""The client side of jobs: submit, list, cancel, retry, and make sure that workers run. Imports no science."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from saetui.jobs.exceptions import JobError
from saetui.jobs.files import locked, require_plain, require_plain_tree, saying
from saetui.jobs.folder import Record
from saetui.jobs.hosts import Hosts
from saetui.jobs.job import Job
from saetui.jobs.progress import ProgressReader
from saetui.jobs.queue import Latest, Queue, QueueEntry
from saetui.jobs.silence import Silence
from saetui.jobs.submission import Submission, Submittable
from saetui.jobs.workforce import Workforce

if TYPE_CHECKING:
    from store.aside import Rejection

GRACE_S = 10.0
# Of an ended job's progress, its last records are enough.
_LAST_BYTES = 2048


class JobClient:
    """The jobs of one store. Many clients, in many processes, can share a store."""

    def __init__(self, store_root: Path | str, *, idle_s: float | None = None, grace_s: float = GRACE_S) -> None:
        """Looks at a store; nothing is made before the first job.

        Args:
            store_root: the store's folder.
            idle_s: seconds that a worker stays warm without work; by default as ``warm_seconds`` says.
            grace_s: seconds that a cancelled job has to stop by itself.
        """
        self.store_root = Path(store_root).resolve()
        self.jobs_root = self.store_root / "jobs"
        self._queue = Queue(self.jobs_root)
        self._hosts = Hosts(self.jobs_root, self._queue.pulse)
        self._silence = Silence(self.store_root, self._queue.pulse)
        self._device: str | None = None
        self._readers: dict[str, ProgressReader] = {}
        self._jobs: dict[str, Job] = {}
        self._submission = Submission(self.store_root, self._queue, self._hosts)
        self._workforce = Workforce(self.store_root, self._queue, self._hosts, idle_s=idle_s, grace_s=grace_s)

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
        ("*": all SAEs) is run again once it is done. ``device``: "cpu", "cuda:0", … or the id of a GPU; by default the
        one that was chosen for all jobs, else that of the job it comes after, else the freest.

        Raises:
            JobError: the device, a job in ``after`` or what the spec names does not exist, or the store's folder cannot
                be written.
        """
        key = self._device if device is None else _key_of(device)
        waits_for = tuple(job.id if isinstance(job, Job) else job for job in after)
        self._make_jobs_folder()
        with saying("the job cannot be queued", self.jobs_root), self._queue_locked():
            record, found = self._submission.find_or_queue(spec, key, waits_for, force=force)
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
            new = self._submission.retry(self._entry(job_id, entries), entries)
        self.ensure_workers()
        return self.job(new)

    def retry_elsewhere(self, job_id: str) -> Job:
        """Queue a job whose device has failed again, as a new job, on what is left: another GPU, or else the CPU.

        What waits for it waits for the new one.

        Raises:
            JobError: it has not failed, or cannot be queued.
        """
        with saying("the job cannot be queued", self.jobs_root), self._queue_locked():
            entries = self._queue.entries()
            new = self._submission.retry_elsewhere(self._entry(job_id, entries), entries)
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
            key = None if device is None else _key_of(device)
            require_plain_tree(folder.path)
            spec = parse_spec(folder.read_spec(), source=str(folder.spec))

            def decide(record: Record) -> Record | None:
                if record.state != "queued":
                    raise JobError(f"{job_id} is {record.state}; only a queued job can be started")
                where = key or _key_of(record.device)
                return replace(
                    record,
                    kind=spec.kind,
                    title=spec.title,
                    content_hash=record.content_hash if record.after else spec.content_hash,
                    device=where,
                    host=self._hosts.here(where),
                    mark=folder.mark(),
                    remark=None,
                )

            folder.change(decide)
        self.ensure_workers()
        return self.job(job_id)

    def choose_device(self, device: str | None) -> None:
        """Queue what is submitted from now on without a device for this one; None: for the freest.

        Raises:
            JobError: there is no such device, or it cannot be used.
        """
        self._device = None if device is None else _key_of(device)

    @property
    def chosen_device(self) -> str | None:
        """The key of the device that was chosen for all jobs."""
        return self._device

    def move(self, job_id: str, device: str) -> Job:
        """Pins a queued job to another device.

        Raises:
            JobError: the job is not queued, or there is no such device.
        """
        key = _key_of(device)

        def decide(record: Record) -> Record | None:
            if record.state != "queued":
                raise JobError(f"{job_id} is {record.state}; only a queued job can move to another device")
            return replace(record, device=key, host=self._hosts.here(key), remark=None)

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
        self._workforce.ensure()

    def release_workers(self) -> None:
        """Asks this machine's workers of the store to end as soon as they have no work, instead of staying warm.

        Raises:
            JobError: the request cannot be written.
        """
        self._workforce.release()

    def _queue_locked(self) -> "contextlib.AbstractContextManager[None]":
        require_plain(self.store_root, self.jobs_root)
        return locked(self.jobs_root / ".submit.lock")

    def _make_jobs_folder(self) -> None:
        require_plain(self.store_root, self.jobs_root)
        with saying("jobs cannot be queued here", self.jobs_root):
            try:
                self.jobs_root.mkdir(exist_ok=True)
            except FileNotFoundError:
                raise JobError(
                    f"{self.store_root}: there is no such store; make one with: saetui demo --store DIR"
                ) from None

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


def _key_of(device: str) -> str:
    """The key of a device by its name or id; JobError where there is none, or it cannot be used."""
    if device == "cpu":
        return device
    from saetui.jobs.devices import find_device, torch_trouble

    found = find_device(device)
    if why := torch_trouble(found):
        raise JobError(f"device: {found.name} cannot be used: {why}; or take --device cpu")
    return found.key
