"""The jobs of a store as they stand on disk, and which of them a device runs next."""

import platform
from dataclasses import dataclass
from pathlib import Path

from saetui.jobs.errors import JobError
from saetui.jobs.failure import VANISHED
from saetui.jobs.folder import JobFolder, Record, job_ids


@dataclass(frozen=True)
class Entry:
    """A job's folder, and its state when it was last read."""

    folder: JobFolder
    record: Record


class Queue:
    """Reads job folders, cheaply when asked again: an ended job never changes, another only with its state file."""

    def __init__(self, jobs: Path) -> None:
        self.jobs = jobs
        self._known: dict[str, tuple[tuple[int, int], Entry]] = {}

    def entries(self) -> dict[str, Entry]:
        """All jobs by id, oldest first. Jobs whose worker is gone, or that wait for a failed one, have failed."""
        known: dict[str, tuple[tuple[int, int], Entry]] = {}
        unreadable: dict[str, Entry] = {}  # Read again next time.
        for job_id in job_ids(self.jobs):
            before = self._known.get(job_id)
            if before is not None and before[1].record.has_ended:
                known[job_id] = before
                continue
            folder = JobFolder(self.jobs / job_id) if before is None else before[1].folder
            try:
                stat = folder.state.stat()
                mark = (stat.st_mtime_ns, stat.st_ino)
                if before is None or before[0] != mark:
                    before = (mark, Entry(folder, folder.read()))
            except FileNotFoundError:
                continue  # Removed by hand a moment ago, or no job at all.
            except OSError:
                if before is None:
                    continue
            except JobError as error:
                unreadable[job_id] = Entry(folder, _unreadable(folder, str(error)))
                continue
            known[job_id] = before
        entries = {job_id: entry for job_id, (_, entry) in known.items()} | unreadable
        for job_id, entry in entries.items():
            try:
                settled = _settled(entry, entries)
            except OSError:
                continue  # A store that may only be read.
            if settled is not None:
                entries[job_id] = Entry(entry.folder, settled)
                known.pop(job_id, None)
        self._known = known
        return entries

    def next_job(self, device: str) -> Entry | None:
        """The oldest job queued for a device of this machine whose dependencies are done."""
        entries = self.entries()
        for entry in entries.values():
            if is_queued_here(entry.record, device) and all(_is_done(entries.get(job)) for job in entry.record.after):
                return entry
        return None


def is_queued_here(record: Record, device: str) -> bool:
    """Whether a job waits for this device of this machine."""
    return record.state == "queued" and record.device == device and record.host == platform.node()


def _is_done(entry: Entry | None) -> bool:
    return entry is not None and entry.record.state == "done"


def _settled(entry: Entry, entries: dict[str, Entry]) -> Record | None:
    """Ends a job that nobody will end; None where there is nothing to settle."""
    record, folder = entry.record, entry.folder
    if record.state == "running" and record.worker is not None and not record.worker.alive:
        if folder.cancel.exists():
            return folder.end("cancelled", "its worker was gone before it could stop", worker=record.worker)
        return folder.end("failed", VANISHED.message, VANISHED.hint, worker=record.worker)
    if record.state == "queued":
        for job_id in record.after:
            dependency = entries.get(job_id)
            if dependency is None and (folder.path.parent / job_id).exists():
                continue  # It could not be read just now.
            if dependency is None:
                message = f"the job it waits for, {job_id}, is gone"
            elif dependency.record.state in ("failed", "cancelled"):
                message = f"the job it waits for, {dependency.record.title!r} ({job_id}), {_has(dependency.record)}"
            else:
                continue
            return folder.end(
                "failed", message, "retry the job: what it waits for is retried too", only_from=("queued",)
            )
    return None


def _has(record: Record) -> str:
    return "was cancelled" if record.state == "cancelled" else "has failed"


def _unreadable(folder: JobFolder, message: str) -> Record:
    return Record(
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
