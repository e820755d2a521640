"""One job as it stands at a moment: what panes and the command line show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from saetui import disk_errors
from saetui.jobs.exceptions import JobError
from saetui.jobs.folder import JobFolder, Record, State
from saetui.jobs.progress import Progress


@dataclass(frozen=True)
class Job:
    """A snapshot; ask the client for a newer one."""

    folder: JobFolder
    record: Record
    progress: Progress | None
    waiting: str | None = None  # why a queued job does not run yet, or why a running one seems stuck
    blocked: str | None = None  # why a queued job cannot run before somebody acts; ``waiting`` says it too
    can_start: bool = False  # it was queued by somebody else or elsewhere, and runs here only once a person says so
    found: bool = False  # it was there before it was submitted now

    @property
    def id(self) -> str:
        return self.record.job_id

    @property
    def kind(self) -> str:
        return self.record.kind

    @property
    def title(self) -> str:
        return self.record.title

    @property
    def state(self) -> State:
        return self.record.state

    @property
    def has_ended(self) -> bool:
        """Whether it is done, failed or cancelled, and will not change any more."""
        return self.record.has_ended

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself: it has ended, or is blocked."""
        return self.has_ended or self.blocked is not None

    @property
    def found_text(self) -> str | None:
        """The message for whoever submitted it, where it was done before and is not run again."""
        if not self.found or self.state != "done" or self.ended is None:
            return None
        return f"{self.title} was done on {self.ended.astimezone():%Y-%m-%d at %H:%M} and is not run again"

    @property
    def device(self) -> str:
        """What this process calls its device; the record has the id of a GPU."""
        key = self.record.device
        if not key.startswith(("GPU-", "MIG-")):
            return key
        from saetui.jobs.devices import name_of

        return name_of(key)

    @property
    def after(self) -> tuple[str, ...]:
        """Ids of the jobs that must be done before it starts."""
        return self.record.after

    @property
    def content_hash(self) -> str:
        return self.record.content_hash

    @property
    def created(self) -> datetime:
        return datetime.fromtimestamp(self.record.created, UTC)

    @property
    def started(self) -> datetime | None:
        return None if self.record.started is None else datetime.fromtimestamp(self.record.started, UTC)

    @property
    def ended(self) -> datetime | None:
        return None if self.record.ended is None else datetime.fromtimestamp(self.record.ended, UTC)

    @property
    def message(self) -> str | None:
        """Why it failed or was cancelled."""
        return self.record.message

    @property
    def hint(self) -> str | None:
        """What to do about it."""
        return self.record.hint

    @property
    def spec(self) -> Mapping[str, Any]:
        """The spec as JSON data. Raises JobError where it is damaged, too large or cannot be read."""
        try:
            return self.folder.read_spec()
        except OSError as error:
            raise JobError(disk_errors.told(error)) from error

    def setting(self, name: str) -> Any:
        """A field of the spec; None where it has none, is damaged or cannot be read."""
        try:
            return self.spec.get(name)
        except (JobError, OSError):
            return None

    def log_tail(self, lines: int) -> list[str]:
        """The last lines that the job printed."""
        return self.folder.log_tail(lines)
