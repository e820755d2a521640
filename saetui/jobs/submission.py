"""What is submitted to the queue: the job of a spec, found again or queued, and a job that is tried again."""

import hashlib
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from saetui.jobs.exceptions import JobError
from saetui.jobs.folder import JobFolder, Record, sweep
from saetui.jobs.hosts import Hosts
from saetui.jobs.queue import Latest, Queue, QueueEntry, open_here
from saetui.jobs.silence import has_device


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


class Submission:
    """Puts jobs into a store's queue; whoever calls holds the lock of the queue."""

    def __init__(self, store_root: Path, queue: Queue, hosts: Hosts) -> None:
        self._store_root = store_root
        self._jobs_root = store_root / "jobs"
        self._queue = queue
        self._hosts = hosts

    def find_or_queue(
        self, spec: Submittable, device: str | None, waits_for: tuple[str, ...], *, force: bool
    ) -> tuple[Record, bool]:
        """The job of a spec, and whether it was there before.

        Raises JobError where one in ``waits_for`` is missing, or what the spec names.
        """
        sweep(self._jobs_root)
        entries = self._queue.entries()
        latest = Latest(entries)
        for job_id in waits_for:
            if job_id not in entries:
                raise JobError(f"after: there is no job {job_id!r} in {self._jobs_root}")
        content_hash = _hash_after(spec.content_hash, [entries[job_id].record.content_hash for job_id in waits_for])
        same = [e for e in entries.values() if e.record.content_hash == content_hash]
        found = None if force else self._same_work(same, spec, waits_for, latest)
        if found is not None:
            record = found.record
            here = self._hosts.here(record.device)
            if record.state == "queued" and record.host != here and self._hosts.seems_gone(record.host, record.device):
                remark = record.remark
                if device is None and not has_device(record.device):
                    device, remark = self._choose_device(entries, waits_for)
                record = found.folder.change(
                    lambda now: (
                        replace(now, host=here, device=device or now.device, remark=remark)
                        if now.state == "queued"
                        else None
                    )
                )
            return record, True
        _check_sources(spec, self._store_root, entries)
        ended_badly = [e for e in same if e.record.state in ("failed", "cancelled")]
        chosen, remark = (device, None) if device is not None else self._choose_device(entries, waits_for)
        record = Record(
            job_id=_new_id(),
            kind=spec.kind,
            title=spec.title,
            state="queued",
            device=chosen,
            host=platform.node(),
            content_hash=content_hash,
            created=time.time(),
            after=waits_for,
            # What waits for an earlier try goes on after this one.
            retry_of=_id_of(latest.of(ended_badly[-1].record.job_id)) if ended_badly else None,
            remark=remark,
        )
        record = replace(record, host=self._hosts.here(record.device))
        JobFolder.create(self._jobs_root, record, spec.document(), marked=True)
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
                        state_of_files = sources_of(spec, self._store_root)
                    if record.sources != state_of_files:
                        continue
                return entry
        return None

    def retry_elsewhere(self, entry: QueueEntry, entries: dict[str, QueueEntry]) -> str:
        """As :meth:`saetui.jobs.client.JobClient.retry_elsewhere`; returns the id of the new job."""
        from saetui.jobs.devices import choose_device, name_of

        failed = entry.record
        device, why = choose_device(open_here(entries), self._store_root, but=failed.device)
        told = f"{name_of(failed.device)} failed ({failed.message}); it is tried again on {device.name}"
        return self.retry(entry, entries, device=device.key, is_second=True, remark=f"{told}; {why}" if why else told)

    def retry(self, entry: QueueEntry, entries: dict[str, QueueEntry], **changed: Any) -> str:
        """As :meth:`saetui.jobs.client.JobClient.retry`; returns the id of the job that stands for it now.

        ``changed``: fields of the record that are to be other than before.
        """
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
                after.append(self.retry(dependency, entries))
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
            of_device=False,
            is_second=False,
        )
        new = replace(new, **changed)
        new = replace(new, host=self._hosts.here(new.device))
        folder = JobFolder.create(self._jobs_root, new, entry.folder.read_spec(), marked=True)
        entries[new.job_id] = QueueEntry(folder, folder.read())
        return new.job_id

    def _choose_device(self, entries: dict[str, QueueEntry], waits_for: Sequence[str]) -> tuple[str, str | None]:
        """The device for a job that names none, by its key, and why it is the CPU where there are GPUs."""
        before = entries[waits_for[-1]].record if waits_for else None
        if before is not None and has_device(before.device):
            return before.device, before.remark  # Its worker has the model in memory.
        from saetui.jobs.devices import choose_device

        device, why = choose_device(open_here(entries), self._store_root)
        return device.key, f"{why}; it runs on the CPU" if why else None


def sources_of(spec: Submittable, store_root: Path) -> str:
    """The state of the files that a spec names; "" where it names none."""
    from saetui.jobs.sources_state import fingerprint
    from saetui.jobs.specs import Spec

    return fingerprint(spec, store_root) if isinstance(spec, Spec) else ""


def _check_sources(spec: Submittable, store_root: Path, entries: dict[str, QueueEntry]) -> None:
    """JobError where a spec names what is neither there nor made by a job that has not ended."""
    from saetui.jobs.sources_check import check_sources
    from saetui.jobs.specs import Spec

    if isinstance(spec, Spec):
        coming = [name for entry in entries.values() if not entry.record.has_ended for name in _made_saes(entry)]
        check_sources(spec, store_root, coming)


def _made_saes(entry: QueueEntry) -> tuple[str, ...]:
    from saetui.jobs.spec_files import parse_spec

    try:
        return parse_spec(entry.folder.read_spec()).made_saes
    except (JobError, OSError):
        return ()


def _id_of(entry: QueueEntry | None) -> str | None:
    return None if entry is None else entry.record.job_id


def _new_id() -> str:
    """Sorts by time of submission, also with other ids of the same second."""
    return f"{datetime.now():%Y%m%d-%H%M%S-%f}-{os.urandom(2).hex()}"


def _hash_after(spec_hash: str, before: Sequence[str]) -> str:
    """What a spec asks for after other jobs depends on those jobs: names in it can mean their results."""
    if not before:
        return spec_hash
    return hashlib.sha256("\n".join([spec_hash, *before]).encode()).hexdigest()[: len(spec_hash)]
