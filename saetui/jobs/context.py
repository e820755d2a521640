"""What a task gets besides its spec: where to put results, how to report progress, and when to stop."""

import contextlib
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saetui.jobs.exceptions import JobCancelled
from saetui.jobs.files import append
from saetui.jobs.folder import JobFolder
from saetui.jobs.progress import ProgressWriter
from saetui.jobs.warm import Warm

if TYPE_CHECKING:
    from store.spool import Spool

_CHECK_S = 0.05


class TaskContext:
    """One run of one job. A task is a function ``run(spec, context)``; it ends normally or by an exception."""

    def __init__(self, store_root: Path, folder: JobFolder, device: str, warm: Warm) -> None:
        self.store_root = store_root
        self.job_id = folder.job_id
        self.device = device  # as torch names it in this process: "cpu" or "cuda:0"
        self.warm = warm
        self.out = folder.out
        self.notes: list[str] = []
        self._folder = folder
        self._progress = ProgressWriter(folder.progress)
        self._stack = ExitStack()
        self._spool: Spool | None = None
        self._next_check = 0.0

    def __enter__(self) -> "TaskContext":
        return self

    def __exit__(self, *failure: Any) -> None:
        # The spool is finished here, or dropped when the task failed, before anybody learns that the job ended.
        try:
            self._stack.__exit__(*failure)
        finally:
            self._progress.close()

    @property
    def spool(self) -> "Spool":
        """Takes the rows of this job; they reach the store after the task has ended well, or has called ``keep``."""
        if self._spool is None:
            from store.spool import Spool

            self._spool = self._stack.enter_context(Spool(self.store_root, self.job_id))
        return self._spool

    def keep(self) -> None:
        """Finishes what is in the spool: it is committed at once, whatever becomes of the rest of the job.

        Raises:
            SpoolError: the rows cannot be written; what was added since the last call is lost.
        """
        if self._spool is not None:
            self._spool.flush()

    def plan(self, weights: Mapping[str, float]) -> None:
        """Names the phases to come, with the time each takes relative to the others, for the time left of the job."""
        self._progress.plan(weights)

    def progress(self, phase: str, done: float, total: float | None, unit: str, **metrics: float | str) -> None:
        """Reports how far a phase is; cheap to call on every step.

        Raises:
            JobCancelled: the job was asked to stop.
        """
        self._progress.write(phase, done, total, unit, metrics)
        self.check()

    def check(self) -> None:
        """Raises JobCancelled where the job was asked to stop; cheap to call often."""
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + _CHECK_S
            if self._folder.is_asked_to_stop:
                self._progress.flush()
                raise JobCancelled

    def log(self, text: str) -> None:
        """Appends a line to the job's log; a full disk only costs the line."""
        with contextlib.suppress(OSError):
            append(self._folder.log, f"{time.strftime('%H:%M:%S')} {text}\n")

    def note(self, text: str) -> None:
        """Logs what a person should know about a job that ends well; it becomes the job's message."""
        if text not in self.notes:
            self.notes.append(text)
            self.log(text)
