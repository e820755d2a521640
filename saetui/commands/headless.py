"""Jobs without the interface: follow them on standard error, list and cancel them."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Protocol

from saetui.commands.errors import CommandError
from saetui.commands.printing import say
from saetui.commands.text_table import new_table, print_table
from saetui.jobs.client import JobClient
from saetui.jobs.job import Job
from saetui.visible import visible
from store import Store

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_POLL_S = 0.2
_LINE_S = 5.0
_ENDED = ("done", "failed", "cancelled")


def follow_jobs(root: Path, job_ids: Sequence[str]) -> int:
    """Wait for jobs, showing how far they are, and bring their results into the store; 1 where one did not end well.

    An interrupt leaves them running: they are not ours to end.
    """
    client = JobClient(root)
    with Store.open(root) as store:
        try:
            with _display() as display:
                while True:
                    client.ensure_workers()
                    jobs = [client.job(job_id) for job_id in job_ids]
                    display.show(jobs)
                    if all(job.state in _ENDED for job in jobs):
                        break
                    time.sleep(_POLL_S)
        except KeyboardInterrupt:
            say(f"the jobs go on without you; see `saetui jobs --store {quote(str(root))}`")
            raise
        # Nobody looks at this store any more, so nothing needs to stay in memory.
        client.release_workers()
        report = store.commit_spool()
        if report.held_by is not None:
            say(
                f"{report.waiting} results wait in {root / 'spool'}, since {report.held_by} has it open; "
                "they are taken in when it is opened next"
            )
    failed = [job for job in jobs if job.state != "done"]
    for job in failed:
        hint = f" ({job.hint})" if job.hint else ""
        say(f"{job.title}: {job.state}: {job.message}{hint}")
    return 1 if failed else 0


class _Display(Protocol):
    def show(self, jobs: Sequence[Job]) -> None: ...


@contextmanager
def _display() -> Iterator[_Display]:
    """Bars on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}", markup=False))
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as progress:
        yield _Bars(progress)


class _Bars:
    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, jobs: Sequence[Job]) -> None:
        from rich.markup import escape

        for job in jobs:
            if job.id not in self._tasks:
                self._tasks[job.id] = self._progress.add_task(escape(visible(job.title)), total=1.0, state="")
            fraction = job.progress.fraction if job.progress else None
            done = 1.0 if job.state == "done" else fraction or 0.0
            self._progress.update(self._tasks[job.id], completed=done, state=visible(describe(job)))
        self._progress.refresh()


class _Lines:
    def __init__(self) -> None:
        self._said: dict[str, tuple[str, float]] = {}

    def show(self, jobs: Sequence[Job]) -> None:
        now = time.monotonic()
        for job in jobs:
            key = f"{job.state} {job.progress.phase if job.progress and job.state == 'running' else ''}"
            before, at = self._said.get(job.id, ("", 0.0))
            if key != before or (job.state == "running" and now - at >= _LINE_S):
                self._said[job.id] = (key, now)
                say(f"{job.title}: {describe(job)}", named=False)


def describe(job: Job) -> str:
    """Where a job stands, in a few words: phase, how far, rate, time left."""
    progress = job.progress
    if job.state != "running" or progress is None:
        return job.waiting or job.state
    total = "" if progress.total is None else f" of {progress.total:,.0f}"
    digits = 0 if float(progress.done).is_integer() else 1
    parts = [f"{progress.phase} {progress.done:,.{digits}f}{total} {progress.unit}"]
    if progress.rate and progress.rate >= 1:
        parts.append(f"{progress.rate:,.0f} {progress.unit}/s")
    left = progress.job_eta_s if progress.job_eta_s is not None else progress.eta_s
    if left is not None:
        parts.append(f"{timedelta(seconds=round(left))} left")
    return ", ".join(parts)


def print_jobs(root: Path) -> int:
    """The jobs of a store, newest last."""
    table = new_table("id", "state", "device", "title", "how far")
    for job in JobClient(root).jobs():
        said = job.message if job.state == "failed" else describe(job)
        table.add_row(job.id, job.state, job.device, job.title, said or "")
    return print_table(table, f"no jobs yet in {root}")


def cancel_job(root: Path, name: str) -> int:
    """Cancel the job of an id, or of the unique beginning of one."""
    client = JobClient(root)
    found = [job for job in client.jobs() if job.id.startswith(name)]
    exact = [job for job in found if job.id == name]
    if len(exact or found) != 1:
        known = ", ".join(job.id for job in found or client.jobs()) or "none"
        raise CommandError(f"jobs cancel: {name!r} names {len(found)} jobs; there are {known}")
    job = (exact or found)[0]
    if job.state in _ENDED:
        raise CommandError(f"jobs cancel: {job.title} is {job.state} already")
    client.cancel(job.id)
    say(f"{job.title}: asked to stop", named=False)
    return 0
