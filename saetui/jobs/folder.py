"""A job's folder, which is the protocol between everybody who looks at the job and the process that runs it.

``spec.json`` what to do, ``state.json`` how it stands, ``progress.jsonl`` records appended while it runs,
``log.txt`` everything it printed, ``out/`` files of its own, ``cancel`` and ``cancel-now`` empty files that ask it to
stop, ``lock`` held for a change of state.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

from saetui.jobs.errors import JobError
from saetui.jobs.files import locked, read_json, tail, write_json
from saetui.jobs.identity import ProcessIdentity

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")
# Given back to a full disk, so that the end of the job can still be written down.
_RESERVE_BYTES = 32768


@dataclass(frozen=True)
class Record:
    """The content of ``state.json``."""

    job_id: str
    kind: str
    title: str
    state: State
    device: str
    host: str  # the machine on which it was submitted, and whose workers may run it
    content_hash: str
    created: float  # seconds since 1970, as the other times
    after: tuple[str, ...] = ()
    retry_of: str | None = None
    started: float | None = None
    ended: float | None = None
    message: str | None = None
    hint: str | None = None
    worker: ProcessIdentity | None = None

    @classmethod
    def from_json(cls, data: dict[str, Any], path: Path) -> Self:
        """Raises JobError, naming the file, where a field is missing or strange."""
        try:
            worker = data.get("worker")
            record = cls(
                **{
                    **data,
                    "after": tuple(data.get("after", ())),
                    "worker": None if worker is None else ProcessIdentity.from_json(worker),
                }
            )
        except (TypeError, KeyError, ValueError) as error:
            raise JobError(f"{path}: not the state of a job of this saetui ({error})") from error
        if record.state not in get_args(State):
            raise JobError(f"{path}: state: {record.state!r} is none of {', '.join(get_args(State))}")
        return record

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


class JobFolder:
    """One job on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.job_id = path.name
        self.spec = path / "spec.json"
        self.state = path / "state.json"
        self.progress = path / "progress.jsonl"
        self.log = path / "log.txt"
        self.out = path / "out"
        self.cancel = path / "cancel"
        self.cancel_now = path / "cancel-now"
        self.kept = path / "kept"  # there when the store's record of the job is spooled
        self._lock = path / "lock"
        self._reserve = path / "reserve"

    @classmethod
    def create(cls, jobs: Path, record: Record, spec: dict[str, Any]) -> Self:
        """Makes the folder of a queued job; it appears in one step, complete."""
        part = cls(jobs / f".{record.job_id}.part")
        try:
            part.out.mkdir(parents=True)
            write_json(part.spec, spec)
            write_json(part.state, asdict(record))
            part._lock.touch()
            part._reserve.write_bytes(b"\0" * _RESERVE_BYTES)
            part.path.rename(jobs / record.job_id)
        except BaseException:
            shutil.rmtree(part.path, ignore_errors=True)
            raise
        return cls(jobs / record.job_id)

    def read(self) -> Record:
        return Record.from_json(read_json(self.state), self.state)

    def read_spec(self) -> dict[str, Any]:
        return read_json(self.spec)

    def change(self, decide: Callable[[Record], Record | None]) -> Record:
        """Changes the state while nobody else can: ``decide`` gets it and returns the next one, or None to leave it.

        Returns the state that holds afterwards.
        """
        with locked(self._lock):
            record = self.read()
            changed = decide(record)
            if changed is None:
                return record
            if changed.has_ended:
                self._reserve.unlink(missing_ok=True)
            self._write(changed)
            return changed

    def _write(self, record: Record) -> None:
        try:
            write_json(self.state, asdict(record))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._reserve.unlink(missing_ok=True)
            write_json(self.state, asdict(record))

    def start(self, worker: ProcessIdentity, device: str) -> Record | None:
        """Claims a queued job for a worker; None where it is no longer queued for this device."""
        claimed = False

        def decide(record: Record) -> Record | None:
            nonlocal claimed
            if record.state != "queued" or record.device != device:
                return None
            claimed = True
            return replace(record, state="running", worker=worker, started=time.time())

        record = self.change(decide)
        return record if claimed else None

    def end(
        self,
        state: State,
        message: str | None = None,
        hint: str | None = None,
        *,
        worker: ProcessIdentity | None = None,
        only_from: tuple[State, ...] = ("running",),
    ) -> Record:
        """Ends the job, unless it is in another state than expected or (where ``worker`` is given) another's job."""

        def decide(record: Record) -> Record | None:
            if record.state not in only_from or (worker is not None and record.worker != worker):
                return None
            return replace(record, state=state, message=message, hint=hint, ended=time.time())

        return self.change(decide)

    def ask_cancel(self, *, now: bool = False) -> None:
        """Leaves the wish to stop; ``now`` asks for no grace period. Empty files fit even on a full disk."""
        if now:
            self.cancel_now.touch()
        self.cancel.touch()

    def log_tail(self, lines: int) -> list[str]:
        return tail(self.log, lines)


def job_ids(jobs: Path) -> list[str]:
    """All jobs, oldest first: ids begin with the time of submission."""
    try:
        with os.scandir(jobs) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except FileNotFoundError:
        return []
