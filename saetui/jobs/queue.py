"""The jobs of a store as they are on disk, and which of them a device runs next."""

import os
import platform
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from saetui import disk_errors
from saetui.jobs.exceptions import JobError
from saetui.jobs.failure import VANISHED, Failure
from saetui.jobs.folder import JobFolder, Record, job_ids
from saetui.jobs.launch import WorkerFiles
from saetui.jobs.pulse import LOST_S, Pulse
from store.exceptions import StoreError

if TYPE_CHECKING:
    from store.aside import Rejection

_REJECTED = ".rejected"
_REJECTED_HINT = "its results are in the spool with the reason; fix that, then run the job again"


@dataclass(frozen=True)
class QueueEntry:
    """A job's folder, and its state when it was last read."""

    folder: JobFolder
    record: Record


class Queue:
    """Reads job folders, cheaply when asked again: an ended job never changes, another only with its state file."""

    def __init__(self, jobs: Path) -> None:
        self.jobs = jobs
        self.pulse = Pulse()
        self._known: dict[str, tuple[tuple[int, int], QueueEntry]] = {}
        self._marks: dict[str, tuple[tuple[object, ...], bool]] = {}
        self._rejected: tuple[list[str], dict[str, Rejection]] = ([], {})

    def entries(self) -> dict[str, QueueEntry]:
        """All jobs by id, oldest first; one that cannot be read has failed, with the reason as its message.

        Jobs whose worker is gone, or whose results were set aside, have failed. Raises JobError where the folder of all
        jobs cannot be read.
        """
        known: dict[str, tuple[tuple[int, int], QueueEntry]] = {}
        unreadable: dict[str, QueueEntry] = {}  # Read again next time.
        ids = job_ids(self.jobs)
        for job_id in ids:
            before = self._known.get(job_id)
            if before is not None and before[1].record.has_ended:
                known[job_id] = before
                continue
            folder = JobFolder(self.jobs / job_id) if before is None else before[1].folder
            try:
                stat = folder.state.lstat()
                mark = (stat.st_mtime_ns, stat.st_ino)
                if before is None or before[0] != mark:
                    before = (mark, QueueEntry(folder, folder.read()))
                known[job_id] = before
            except FileNotFoundError:
                # Removed by hand a moment ago, or not a job at all.
                if os.path.lexists(folder.spec):
                    unreadable[job_id] = _unreadable(folder, f"{folder.state}: is not there")
            except OSError as error:
                unreadable[job_id] = _unreadable(folder, disk_errors.told(error))
            except JobError as error:
                unreadable[job_id] = _unreadable(folder, str(error))
        found = {job_id: entry for job_id, (_, entry) in known.items()} | unreadable
        entries = {job_id: found[job_id] for job_id in ids if job_id in found}
        rejected = self._rejections()
        for job_id, entry in entries.items():
            settled = self._settled(entry, rejected.get(job_id))
            if settled is not None:
                entries[job_id] = QueueEntry(entry.folder, settled)
                known.pop(job_id, None)
        self._known = known
        return entries

    def next_job(self, device: str, *, but: Collection[str] = ()) -> QueueEntry | None:
        """The oldest job that this user has queued for a device here and that waits for nothing; none of ``but``."""
        entries = self.entries()
        latest = Latest(entries)
        for entry in entries.values():
            if (
                is_queued_here(entry.record, device)
                and entry.record.job_id not in but
                and all(_is_done(latest.of(job)) for job in entry.record.after)
                and self.is_ours(entry)
            ):
                return entry
        return None

    def is_ours(self, entry: QueueEntry) -> bool:
        """Whether this user has queued the job, or has asked for it; cheap to ask again."""
        folder, mark = entry.folder, entry.record.mark
        if mark is None:
            return False
        try:
            stat = folder.spec.lstat()
            key = (mark, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size)
            known = self._marks.get(folder.job_id)
            if known is None or known[0] != key:
                known = (key, folder.is_marked(entry.record))
                self._marks[folder.job_id] = known
        except (OSError, JobError):
            return False
        return known[1]

    def set_aside(self) -> list["Rejection"]:
        """Results that did not fit the store and were set aside, of unknown jobs too."""
        from store import set_aside

        return list(set_aside(self.jobs.parent))

    def _rejections(self) -> dict[str, "Rejection"]:
        try:
            names = sorted(name for name in os.listdir(self.jobs.parent / "spool") if name.endswith(_REJECTED))
        except OSError:
            return {}
        if names != self._rejected[0]:
            try:
                self._rejected = (names, {rejection.job_id: rejection for rejection in self.set_aside()})
            except (StoreError, OSError):
                return {}  # It is looked at again the next time.
        return self._rejected[1]

    def _settled(self, entry: QueueEntry, rejection: "Rejection | None") -> Record | None:
        """Ends a job that nobody else will end, or that has lost its results; None where there is nothing to settle."""
        record, folder = entry.record, entry.folder
        if record.state == "done" and rejection is not None:
            return _end_rejected(folder, record, rejection)
        worker = record.worker
        if record.state != "running" or worker is None:
            return None
        message, hint = VANISHED.message, VANISHED.hint
        if not worker.is_here:
            files = WorkerFiles(self.jobs, record.device, record.host)
            if self.pulse.silence(files) < LOST_S:
                return None
            message = f"its worker on {record.host} has shown no sign of life for {LOST_S:.0f} s"
            hint = "retry the job here"
        elif worker.alive:
            return None
        try:
            stopped = "its worker was gone before it could stop"
            return folder.end_dead(stopped, Failure(message, hint), worker=worker)
        except (OSError, JobError):
            return None  # A store that may only be read, or a folder that was damaged a moment ago.


class Latest:
    """Which job stands for which: the last retry of a failed or cancelled one stands for it."""

    def __init__(self, entries: dict[str, QueueEntry]) -> None:
        self._entries = entries
        self._retries = {e.record.retry_of: job_id for job_id, e in entries.items() if e.record.retry_of is not None}

    def of(self, job_id: str) -> QueueEntry | None:
        """The last retry of a job, or the job itself; None where it is gone."""
        seen = {job_id}
        while (later := self._retries.get(job_id)) is not None and later not in seen:
            job_id = later
            seen.add(job_id)
        return self._entries.get(job_id)

    def blocked(self, record: Record) -> str | None:
        """Why a queued job cannot run before somebody does something about a job that it waits for."""
        if record.state != "queued":
            return None
        ahead, seen = list(reversed(record.after)), {record.job_id}
        while ahead:
            job_id = ahead.pop()
            entry = self.of(job_id)
            if entry is None:
                return f"blocked: the job it waits for, {job_id}, is gone; cancel this one"
            dependency = entry.record
            if dependency.job_id == record.job_id:
                return "blocked: it waits for itself; cancel it"
            if dependency.job_id in seen:
                continue
            seen.add(dependency.job_id)
            if dependency.state in ("failed", "cancelled"):
                how = "failed" if dependency.state == "failed" else "was cancelled"
                return f"blocked by {dependency.title}, which {how}; retry either to go on"
            if dependency.state == "queued":
                ahead += reversed(dependency.after)
        return None


def open_here(entries: dict[str, QueueEntry]) -> Counter[str]:
    """How many jobs that have not ended each device of this machine has."""
    records = [entry.record for entry in entries.values()]
    return Counter(r.device for r in records if not r.has_ended and r.host == platform.node())


def is_queued_here(record: Record, device: str) -> bool:
    """Whether a job waits for this device of this machine."""
    return record.state == "queued" and record.device == device and record.host == platform.node()


def _is_done(entry: QueueEntry | None) -> bool:
    return entry is not None and entry.record.state == "done"


def _end_rejected(folder: JobFolder, record: Record, rejection: "Rejection") -> Record:
    message = f"its results do not fit the store and were set aside: {rejection.reason}"

    def decide(now: Record) -> Record | None:
        return replace(now, state="failed", message=message, hint=_REJECTED_HINT) if now.state == "done" else None

    try:
        changed = folder.change(decide)
        folder.kept.unlink(missing_ok=True)  # So that the store's record of the job is written again.
        return changed
    except (OSError, JobError):
        # A store that may only be read; what is true is shown all the same.
        return replace(record, state="failed", message=message, hint=_REJECTED_HINT)


def _unreadable(folder: JobFolder, message: str) -> QueueEntry:
    record = Record(
        job_id=folder.job_id,
        kind="?",
        title=folder.job_id,
        state="failed",
        device="",
        host=platform.node(),
        content_hash="",
        created=0.0,
        message=message,
        hint="remove the folder if the job is of no use",
    )
    return QueueEntry(folder, record)
