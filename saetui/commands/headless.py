"""The same work without the interface: follow jobs on standard error, print tables on standard output."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from saetui.commands.errors import CommandError
from saetui.jobs.client import JobClient
from saetui.jobs.job import Job
from store import Rows, Store

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.table import Table

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
            print(f"saetui: the jobs go on without you; see `saetui jobs --store {root}`", file=sys.stderr)
            raise
        # Nobody looks at this store any more, so nothing needs to stay in memory.
        client.release_workers()
        report = store.commit_spool()
        if report.held_by is not None:
            print(
                f"saetui: {report.waiting} results wait in {root / 'spool'}, since {report.held_by} has it open; "
                "they are taken in when it is opened next",
                file=sys.stderr,
            )
    failed = [job for job in jobs if job.state != "done"]
    for job in failed:
        hint = f" ({job.hint})" if job.hint else ""
        print(f"saetui: {job.title}: {job.state}: {job.message}{hint}", file=sys.stderr)
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
                self._tasks[job.id] = self._progress.add_task(escape(job.title), total=1.0, state="")
            fraction = job.progress.fraction if job.progress else None
            done = 1.0 if job.state == "done" else fraction or 0.0
            self._progress.update(self._tasks[job.id], completed=done, state=describe(job))
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
                print(f"{job.title}: {describe(job)}", file=sys.stderr, flush=True)


def describe(job: Job) -> str:
    """Where a job stands, in a few words: phase, how far, rate, time left."""
    progress = job.progress
    if job.state != "running" or progress is None:
        return job.waiting or job.state
    total = "" if progress.total is None else f" of {progress.total:,.0f}"
    parts = [f"{progress.phase} {progress.done:,.0f}{total} {progress.unit}"]
    if progress.rate:
        parts.append(f"{progress.rate:,.0f} {progress.unit}/s")
    left = progress.job_eta_s if progress.job_eta_s is not None else progress.eta_s
    if left is not None:
        parts.append(f"{timedelta(seconds=round(left))} left")
    return ", ".join(parts)


def print_jobs(root: Path) -> int:
    """The jobs of a store, newest last."""
    table = _table("id", "state", "device", "title", "how far")
    for job in JobClient(root).jobs():
        said = job.message if job.state == "failed" else describe(job)
        table.add_row(job.id, job.state, job.device, job.title, said or "")
    return _print(table, f"no jobs yet in {root}")


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
    print(f"{job.title}: asked to stop", file=sys.stderr)
    return 0


def print_summary(root: Path) -> int:
    """The store's SAEs, and for every letter how well its best latent in each SAE stands for it."""
    with Store.open(root) as store:
        store.commit_spool()
        table = _table(*_SAE_COLUMNS)
        records = _records(store.fetch("saes"))
        for record in records:
            table.add_row(*(_cell(record.get(column), digits) for column, digits in _SAE_COLUMNS.items()))
        code = _print(table, f"no SAEs yet in {root}; `saetui demo` makes three")
        if records:
            print()
            _print(_letters(store, records), "no letters yet; run a job of kind letters")
    return code


_SAE_COLUMNS = {
    "name": 0,
    "architecture": 0,
    "hook_name": 0,
    "width": 0,
    "l0": 1,
    "fvu": 4,
    "ce_recovered": 4,
    "dead_fraction": 4,
    "mean_letter_f1": 3,
    "tokens_trained": 0,
}


def _records(rows: Rows) -> list[dict[str, Any]]:
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]


def _letters(store: Store, saes: list[dict[str, Any]]) -> "Table":
    by_sae = {}
    for sae in saes:
        by_sae[str(sae["name"])] = {row["letter"]: row for row in _records(store.fetch("letters", sae=sae["sae_id"]))}
    table = _table("letter", "words", "probe F1", *(f"best F1 {name}" for name in by_sae))
    for letter in "abcdefghijklmnopqrstuvwxyz":
        found = [rows[letter] for rows in by_sae.values() if letter in rows]
        if found:
            best = [_cell(rows.get(letter, {}).get("best_f1"), 3) for rows in by_sae.values()]
            table.add_row(letter, _cell(found[0].get("n_words"), 0), _cell(found[0].get("probe_f1"), 3), *best)
    return table


def _table(*columns: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True, justify="left" if column in _TEXT else "right")
    return table


_TEXT = frozenset({"name", "architecture", "hook_name", "letter", "id", "state", "device", "title", "how far"})


def _cell(value: object, digits: int) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _print(table: "Table", empty: str) -> int:
    from rich.console import Console

    if table.row_count == 0:
        print(empty, file=sys.stderr)
    else:
        # A table of data is never folded to the width of a terminal that is not there.
        Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False).print(table)
    return 0
