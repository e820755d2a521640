"""Jobs without the interface: follow them on standard error, list and cancel them."""

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from saetui.cli.printing import put, put_json, say
from saetui.cli.text_table import new_table, print_table
from saetui.jobs.client import JobClient
from saetui.jobs.exceptions import JobError
from saetui.jobs.job import Job
from saetui.lookup import meant
from saetui.visible import visible
from saetui.workbench.exceptions import CommandError
from saetui.workbench.shell import shell_line
from store import Store, StoreError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_POLL_S = 0.2
_LOOK_S = 1.0
_LINE_S = 5.0


def follow_jobs(root: Path, jobs: Sequence[Job | str], *, again: str = "") -> int:
    """Wait for jobs, showing how far they are, and bring their results into the store; 1 where one did not end well.

    ``jobs``: ids, or jobs as they were submitted: of one that was done before it is said when, and that ``again`` (an
    option of the command) has it run again. It ends as well when what has not ended is blocked. An interrupt leaves the
    jobs running: they are not ours to end.
    """
    job_ids = [job if isinstance(job, str) else job.id for job in jobs]
    for job in jobs:
        if not isinstance(job, str) and job.found_text:
            say(f"{job.found_text}{f'; {again} runs it again' if again else ''}")
    for remark in dict.fromkeys(j.record.remark for j in jobs if not isinstance(j, str) and not j.has_ended):
        if remark:
            say(remark)
    client = JobClient(root)
    with Store.open(root) as store:
        try:
            next_look = 0.0
            with _display() as display:
                while True:
                    client.ensure_workers()
                    now = [client.job(job_id) for job_id in job_ids]
                    display.show(now)
                    if all(job.is_over for job in now):
                        break
                    if time.monotonic() >= next_look:
                        _take_in(store)
                        next_look = time.monotonic() + _LOOK_S
                    time.sleep(_POLL_S)
        except KeyboardInterrupt:
            say(f"the jobs go on without you; see `{shell_line('saetui', 'jobs', '--store', root)}`")
            raise
        # Nobody looks at this store any more, so nothing needs to stay in memory.
        with suppress(JobError):
            client.release_workers()
        report = store.commit_spool()
        if report.held_by is not None:
            say(
                f"{report.waiting} results wait in {root / 'spool'}, since {report.held_by} has it open; "
                "they are taken in when it is opened next"
            )
        unread = [result for result in report.unread if result.job_id in job_ids]
        for result in unread:
            say(f"a result of job {result.job_id} waits in {root / 'spool' / result.name}: {result.reason}")
        if report.reason and not unread and report.held_by is None:
            say(report.reason)
        # What does not fit the store is set aside, and the job that made it has failed.
        now = [client.job(job_id) for job_id in job_ids]
    for job in now:
        if job.state == "done" and job.message:
            say(f"{job.title}: {job.message}")
    failed = [job for job in now if job.state != "done"]
    for job in failed:
        if job.blocked is not None:
            say(f"{job.title}: {job.blocked}")
            continue
        why = f": {job.message}" if job.message else ""
        hint = f" ({job.hint})" if job.hint else ""
        say(f"{job.title}: {job.state}{why}{hint}")
    return 1 if failed or unread else 0


def _take_in(store: Store) -> None:
    """Take in what is finished so far; what cannot be taken in now is tried again, and told at the end."""
    with suppress(StoreError):
        if store.results_wait():
            store.commit_spool()


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
            phase = job.progress.phase if job.progress and job.state == "running" else ""
            # The seconds in it grow; what it says stays the same.
            key = f"{job.state} {phase} {re.sub('[0-9]+', '', job.waiting or '')}"
            before, at = self._said.get(job.id, ("", 0.0))
            if key != before or (job.state == "running" and now - at >= _LINE_S):
                self._said[job.id] = (key, now)
                say(f"{job.title}: {describe(job)}", named=False)


def describe(job: Job) -> str:
    """Where a job stands, in a few words: phase, how far, rate, time left."""
    progress = job.progress
    if job.state != "running" or progress is None:
        return job.waiting or job.state
    if job.waiting:
        return f"{progress.phase}, {job.waiting}"
    total = "" if progress.total is None else f" of {progress.total:,.0f}"
    digits = 0 if float(progress.done).is_integer() else 1
    parts = [f"{progress.phase} {progress.done:,.{digits}f}{total} {progress.unit}"]
    if progress.rate and progress.rate >= 1:
        parts.append(f"{progress.rate:,.0f} {progress.unit}/s")
    left = progress.job_eta_s if progress.job_eta_s is not None else progress.eta_s
    if left is not None:
        parts.append(f"{timedelta(seconds=round(left))} left")
    return ", ".join(parts)


def print_jobs(root: Path, *, as_json: bool = False) -> int:
    """The jobs of a store, newest last, and the results that were set aside since they do not fit it."""
    client = JobClient(root)
    jobs = client.jobs()
    if as_json:
        put_json([_data_of(job) for job in jobs])
        return 0
    table = new_table("id", "state", "kind", "how far", "title", "device", cut=("how far", "title"))
    for job in jobs:
        said = job.message if job.state == "failed" else describe(job)
        table.add_row(job.id, _state_of(job), job.kind, said or "", job.title, job.device)
    code = print_table(table, f"no jobs yet in {root}")
    aside = client.set_aside()
    if aside:
        # Lines, for the reasons are long and name files.
        put()
        put(f"set aside in {root / 'spool'}, since it does not fit the store:")
        for rejection in aside:
            put(f"  {rejection.name} of job {rejection.job_id}: {rejection.reason}")
    return code


def _state_of(job: Job) -> str:
    return "blocked" if job.blocked else job.state


def _data_of(job: Job) -> dict[str, Any]:
    """A job as data; moments are those of UTC, and a share done is from 0 to 1."""
    progress = job.progress
    moments = {name: getattr(job, name) for name in ("created", "started", "ended")}
    return {
        "id": job.id,
        "state": _state_of(job),
        "kind": job.kind,
        "title": job.title,
        "device": job.device,
        "gpu": job.record.device if job.device != job.record.device else None,
        "after": list(job.after),
        **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
        "phase": progress.phase if progress is not None else None,
        "done": progress.done if progress is not None else None,
        "total": progress.total if progress is not None else None,
        "unit": progress.unit if progress is not None else None,
        "fraction": progress.fraction if progress is not None else None,
        "seconds_left": progress.job_eta_s if progress is not None and not job.has_ended else None,
        "waiting": job.waiting,
        "message": job.message,
        "hint": job.hint,
    }


def cancel_job(root: Path, name: str) -> int:
    """Cancel the job of an id, or of the unique beginning of one."""
    client = JobClient(root)
    job = _find(client, name, "cancel")
    if job.has_ended:
        raise CommandError(f"jobs cancel: {job.title} is {job.state} already")
    job = client.cancel(job.id)
    if job.state == "cancelled":
        say(f"{job.title}: cancelled", named=False)
    else:
        say(f"{job.title}: asked to stop{f' ({job.waiting})' if job.waiting else ''}", named=False)
    return 0


def move_job(root: Path, name: str, device: str) -> int:
    """Have a job that waits run on another device."""
    client = JobClient(root)
    job = client.move(_find(client, name, "move").id, device)
    say(f"{job.title} waits for {job.device}", named=False)
    return 0


def start_job(root: Path, name: str, device: str | None) -> int:
    """Run a job here that somebody else has queued, or that was queued on another machine."""
    client = JobClient(root)
    job = client.start(_find(client, name, "start").id, device)
    where = f"{job.title} is queued on {job.device}" if job.state == "queued" else f"{job.title}: {job.state}"
    say(where + (f" ({job.waiting})" if job.waiting else ""), named=False)
    return 0


def _find(client: JobClient, name: str, verb: str) -> Job:
    """The job of an id, or of the unique beginning of one."""
    jobs = client.jobs()
    found = meant(name, jobs, lambda job: (job.id,))
    if len(found) != 1:
        known = ", ".join(job.id for job in found or jobs) or "none"
        raise CommandError(f"jobs {verb}: {name!r} names {len(found)} jobs; there are {known}")
    return found[0]
