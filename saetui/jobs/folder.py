"""A job's folder, which is the protocol between those who look at the job and the process that runs it.

``spec.json`` what to do, ``state.json`` its state, ``progress.jsonl`` records appended while it runs,
``log.txt`` everything it printed, ``out/`` files of its own, ``cancel`` and ``cancel-now`` empty files that ask it to
stop, ``lock`` held for a change of state. A folder may come from somebody else, so that all of it is checked.
"""

import contextlib
import errno
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

from saetui import disk_errors
from saetui.jobs.exceptions import JobError
from saetui.jobs.failure import Failure
from saetui.jobs.files import locked, parse_json, read_json, remove_parts, require_plain, tail, touch, write_json
from saetui.jobs.identity import ProcessIdentity
from saetui.jobs.marks import is_marked, make_mark
from store.plain import open_plain, read_plain

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")
# Given back to a full disk, so that the end of the job can still be written down.
_RESERVE_BYTES = 32768
_STATE_BYTES = 1 << 20
# What becomes part of a path is plain; no other field of a record does.
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# The id of a GPU or of a part of one; older records have its number.
_DEVICE = re.compile(r"cpu|cuda:[0-9]{1,3}|(GPU|MIG)-[A-Za-z0-9][A-Za-z0-9/-]{0,99}")
_HOST = re.compile(r"(?!\.)[^/\0]{0,255}")
_YEAR_9999 = 253_402_300_000.0
_AFTER = 10_000


@dataclass(frozen=True)
class Record:
    """The content of ``state.json``."""

    job_id: str
    kind: str
    title: str
    state: State
    device: str  # "cpu", or the id of a GPU
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
    mark: str | None = None  # made with its user's secret; without it nobody starts the job unasked
    sources: str | None = None  # state of the files that it read, when it started
    of_device: bool = False  # it failed because the device did
    is_second: bool = False  # it is tried again because the device failed the first time
    remark: str | None = None  # why it has the device it has, where that is not what one expects

    @classmethod
    def from_json(cls, data: dict[str, Any], path: Path) -> Self:
        """The content of a ``state.json``; raises JobError, naming the file, where a field is missing or strange."""
        try:
            return cls(**_checked(data, path.parent.name))
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise JobError(f"{path}: not the state of a job of this saetui ({_short(str(error), 200)})") from error

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


def _checked(data: dict[str, Any], folder: str) -> dict[str, Any]:
    """The fields of a record, each of the type it must have; raises ValueError naming the first that is not."""
    known = {field.name for field in fields(Record)}
    if strange := [name for name in data if name not in known]:
        raise ValueError(f"{strange[0]}: unknown field")
    checked = dict(data)
    for name in ("job_id", "kind", "title", "state", "device", "host", "content_hash"):
        _require(isinstance(data[name], str), name, data[name], "text")
    for name in ("retry_of", "message", "hint", "mark", "sources", "remark"):
        _require(data.get(name) is None or isinstance(data[name], str), name, data.get(name), "text")
    for name in ("of_device", "is_second"):
        _require(isinstance(data.get(name, False), bool), name, data.get(name), "true or false")
    _require(_JOB_ID.fullmatch(data["job_id"]), "job_id", data["job_id"], "the id of a job")
    _require(data["job_id"] == folder, "job_id", data["job_id"], f"the name of the folder, {folder!r}")
    if data["state"] not in get_args(State):
        raise ValueError(f"state: {_short(repr(data['state']), 60)} is not one of {', '.join(get_args(State))}")
    _require(_DEVICE.fullmatch(data["device"]), "device", data["device"], "cpu, or the id of a GPU")
    _require(_HOST.fullmatch(data["host"]), "host", data["host"], "the name of a machine")
    for name in ("created", "started", "ended"):
        if name == "created" or data.get(name) is not None:
            checked[name] = _time(name, data[name])
    after = data.get("after", ())
    _require(isinstance(after, list | tuple) and len(after) <= _AFTER, "after", after, "a list of ids")
    for job_id in after:
        _require(isinstance(job_id, str) and _JOB_ID.fullmatch(job_id), "after", job_id, "the id of a job")
    checked["after"] = tuple(after)
    worker = data.get("worker")
    checked["worker"] = None if worker is None else ProcessIdentity.from_json(worker)
    return checked


def _require(holds: object, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name}: {_short(repr(value), 60)} is not {expected}")


def _time(name: str, value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Compared before it is converted, for an integer can be larger than any float.
    _require(is_number and 0 <= value < _YEAR_9999, name, value, "a time, in seconds since 1970")  # type: ignore[operator]
    return float(value)  # type: ignore[arg-type]


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


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
    def create(cls, jobs: Path, record: Record, spec: dict[str, Any], *, marked: bool = False) -> Self:
        """Makes the folder of a queued job; it appears in one step, complete.

        ``marked``: the user asks for it, so that it starts by itself. Raises JobError where it cannot be marked.
        """
        part = cls(jobs / f".{record.job_id}.part")
        try:
            part.out.mkdir(parents=True)
            write_json(part.spec, spec)
            if marked:
                record = replace(record, mark=make_mark(record.job_id, read_plain(part.spec)))
            write_json(part.state, asdict(record))
            touch(part._lock)
            with os.fdopen(open_plain(part._reserve, os.O_WRONLY | os.O_CREAT), "wb") as reserve:
                reserve.write(b"\0" * _RESERVE_BYTES)
            part.path.rename(jobs / record.job_id)
        except BaseException:
            shutil.rmtree(part.path, ignore_errors=True)
            raise
        return cls(jobs / record.job_id)

    def require_plain(self) -> None:
        """JobError where the folder, or the one that it is in, is a link."""
        require_plain(self.path.parents[1], self.path)

    def read(self) -> Record:
        """The state; JobError where it is damaged, OSError where it cannot be read."""
        self.require_plain()
        return Record.from_json(read_json(self.state, _STATE_BYTES), self.state)

    def read_spec(self) -> dict[str, Any]:
        """The spec as JSON data; JobError where it is damaged, OSError where it cannot be read."""
        self.require_plain()
        return read_json(self.spec)

    def read_marked_spec(self, record: Record) -> dict[str, Any]:
        """The spec, if it is the one that this user has marked; JobError where it is not, or as ``read_spec``."""
        self.require_plain()
        content = read_plain(self.spec)
        if not is_marked(record.mark, self.job_id, content):
            raise JobError(f"{self.spec}: is not what was queued; look at it, then: saetui jobs start {self.job_id}")
        return parse_json(content, self.spec)

    def is_marked(self, record: Record) -> bool:
        """Whether this user has queued the job, with the spec as it is now. Raises JobError, OSError as ``read``."""
        self.require_plain()
        return is_marked(record.mark, self.job_id, read_plain(self.spec))

    def mark(self) -> str:
        """The mark of the job with the spec as it is now."""
        return make_mark(self.job_id, read_plain(self.spec))

    @property
    def is_asked_to_stop(self) -> bool:
        return os.path.lexists(self.cancel)

    def change(self, decide: Callable[[Record], Record | None]) -> Record:
        """Changes the state while nobody else can: ``decide`` gets it and returns the next one, or None to leave it.

        Returns the state that holds afterwards.
        """
        self.require_plain()
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
        remove_parts(self.path, ".state.json.*.part")
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
        of_device: bool = False,
    ) -> Record:
        """Ends the job, unless it is in another state than expected or (where ``worker`` is given) another's job."""

        def decide(record: Record) -> Record | None:
            if record.state not in only_from or (worker is not None and record.worker != worker):
                return None
            return replace(record, state=state, message=message, hint=hint, ended=time.time(), of_device=of_device)

        return self.change(decide)

    def end_dead(self, stopped: str, failure: Failure, *, worker: ProcessIdentity) -> Record:
        """Ends the running job of a worker whose process is gone: as cancelled where that was asked for, else failed.

        ``stopped`` is what a cancelled job says. The request is looked for at the moment of the change, not before.
        """

        def decide(record: Record) -> Record | None:
            if record.state != "running" or record.worker != worker:
                return None
            if self.is_asked_to_stop:
                return replace(record, state="cancelled", message=stopped, hint=None, ended=time.time())
            return replace(record, state="failed", message=failure.message, hint=failure.hint, ended=time.time())

        return self.change(decide)

    def ask_cancel(self, *, now: bool = False) -> None:
        """Leaves the request to stop; ``now`` asks for no grace period. Empty files fit even on a full disk."""
        self.require_plain()
        if now:
            touch(self.cancel_now)
        touch(self.cancel)

    def log_tail(self, lines: int) -> list[str]:
        """The last lines of the log; where it cannot be read, one that says so."""
        try:
            self.require_plain()
        except JobError as error:
            return [str(error)]
        return tail(self.log, lines)


def job_ids(jobs: Path) -> list[str]:
    """All jobs, oldest first: ids begin with the time of submission.

    Raises:
        JobError: the folder is a link or cannot be read.
    """
    require_plain(jobs.parent, jobs)
    try:
        with os.scandir(jobs) as entries:
            return sorted(
                entry.name
                for entry in entries
                # A link is not a job, but it is listed, so that it can be removed.
                if not entry.name.startswith(".") and (entry.is_symlink() or entry.is_dir(follow_symlinks=False))
            )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JobError(f"the jobs cannot be listed: {disk_errors.told(error)}") from error


def sweep(jobs: Path) -> None:
    """Removes what dead processes left of jobs they were about to queue; the caller holds the queue's lock."""
    with contextlib.suppress(OSError):
        for part in jobs.glob(".*.part"):
            if part.is_symlink() or not part.is_dir():
                with contextlib.suppress(OSError):
                    part.unlink()
            else:
                shutil.rmtree(part, ignore_errors=True)
