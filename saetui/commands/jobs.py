"""Jobs: look at one, cancel it, run it again, submit a specification."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.lookup import meant
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import screens
from saetui.workbench.user_path import user_path

if TYPE_CHECKING:
    from saetui.jobs import Job
    from saetui.workbench.workbench import Workbench

_OPEN = ("queued", "running")


@command("job", "Look at a job")
class LookAtJob(Command):
    job: str = argument(help="its id, or the beginning of it", complete="job")

    def run(self, bench: Workbench) -> None:
        bench.attend(job=find_job(bench, self.job).id)


@command("cancel", "Cancel a job that waits or runs", keys={"x": ""}, elsewhere=True, label="cancel")
class Cancel(Command):
    job: str = argument(
        default="", help="its id; the one under the cursor, or that the screen waits for, if left out", complete="job"
    )

    def resolved(self, bench: Workbench) -> Cancel:
        job = find_job(bench, self.job) if self.job else _to_cancel(bench)
        if job is None:
            raise CommandError("cancel: nothing that this screen shows is running")
        if job.state not in _OPEN:
            raise CommandError(f"cancel: {job.title} is {job.state} already")
        return Cancel(job.id)

    def question(self, bench: Workbench) -> str:
        job = find_job(bench, self.job)
        if job.state == "queued":
            return f"Cancel {job.title}? It has not started; what waits for it is blocked until it is retried."
        return f"Cancel {job.title}? SAEs and studies that are finished are kept; what is under way is lost."

    def run(self, bench: Workbench) -> None:
        bench.client.cancel(self.job)
        bench.poll()

    @classmethod
    def available(cls, bench: Workbench) -> bool:
        job = _to_cancel(bench)
        return super().available(bench) and job is not None and job.state in _OPEN


def running_job(bench: Workbench, kinds: Collection[str]) -> Job | None:
    """The job of some kinds that runs or waits; of several one that runs."""
    jobs = [job for job in bench.jobs if job.kind in kinds and not job.has_ended]
    return next(iter(sorted(jobs, key=lambda job: job.state != "running")), None)


def _to_cancel(bench: Workbench) -> Job | None:
    """On a screen whose keys submit jobs, one of those; else the job that is looked at."""
    kinds = screens()[bench.screen].kinds
    return running_job(bench, kinds) if kinds else current_job(bench)


@command("start", "Start a job that somebody else has queued", elsewhere=True, label="start")
class Start(Command):
    job: str = argument(default="", help="its id; the one under the cursor if left out", complete="job")
    device: str = argument(default="", help="cpu, cuda:0, …; the one it is queued for if left out")

    def resolved(self, bench: Workbench) -> Start:
        job = find_job(bench, self.job)
        if job.state != "queued":
            raise CommandError(f"start: {job.title} is {job.state}; only a queued job can be started")
        return Start(job.id, self.device)

    def question(self, bench: Workbench) -> str:
        job = find_job(bench, self.job)
        return f"Start {job.title}? It runs as you, on your files, with the settings on its card."

    def run(self, bench: Workbench) -> None:
        bench.client.start(self.job, self.device or None)
        bench.poll()

    @classmethod
    def available(cls, bench: Workbench) -> bool:
        job = current_job(bench)
        return super().available(bench) and job is not None and job.can_start


@command("move", "Have a waiting job run on another device", keys={"H": ""}, elsewhere=True, label="device", asks=True)
class MoveJob(Command):
    device: str = argument(help="cpu, cuda:0, … or the beginning of a GPU's id", complete="device")
    job: str = argument(default="", help="its id; the one under the cursor if left out", complete="job")

    def resolved(self, bench: Workbench) -> MoveJob:
        return MoveJob(self.device, waiting_job(bench, self.job).id)

    def run(self, bench: Workbench) -> None:
        client, device, job = bench.client, self.device, self.job

        def move() -> str:
            moved = client.move(job, device)
            return f"{moved.title} waits for {moved.device}"

        bench.in_background(move)

    @classmethod
    def available(cls, bench: Workbench) -> bool:
        job = current_job(bench)
        return super().available(bench) and job is not None and job.state == "queued"


@command("device", "Choose the device of the jobs that are submitted from now on", elsewhere=True)
class ChooseDevice(Command):
    device: str = argument(default="", help="cpu, cuda:0, …; the freest if left out", complete="device")

    def run(self, bench: Workbench) -> None:
        client, device = bench.client, self.device

        def choose() -> str:
            client.choose_device(device or None)
            return f"jobs go to {device} from now on" if device else "jobs go to the freest device from now on"

        bench.in_background(choose)


@command(
    "release",
    "Have workers that are idle give back the memory that they keep",
    keys={"f": ""},
    elsewhere=True,
    label="free",
)
class Release(Command):
    def run(self, bench: Workbench) -> None:
        client = bench.client

        def release() -> str:
            client.release_workers()
            return "workers end once they have no work; the next job starts one again"

        bench.in_background(release)


def waiting_job(bench: Workbench, name: str) -> Job:
    """A job that can move to another device, by its id or as the one that is looked at."""
    job = find_job(bench, name)
    if job.state != "queued":
        raise CommandError(f"move: {job.title} is {job.state}; only a job that waits can move to another device")
    return job


@command(
    "retry",
    "Run a failed, cancelled or blocked job again",
    keys={"r": ""},
    elsewhere=True,
    label="retry",
)
class Retry(Command):
    job: str = argument(default="", help="its id; the one under the cursor if left out", complete="job")

    def resolved(self, bench: Workbench) -> Retry:
        job = find_job(bench, self.job)
        if not _can_retry(job):
            raise CommandError(f"retry: {job.title} is {job.state}; only failed or cancelled jobs run again")
        return Retry(job.id)

    def run(self, bench: Workbench) -> None:
        again = bench.client.retry(self.job)
        bench.poll()
        bench.attend(job=again.id)
        bench.notify(f"{again.title} is queued again; x cancels it")

    @classmethod
    def available(cls, bench: Workbench) -> bool:
        job = current_job(bench)
        return super().available(bench) and job is not None and _can_retry(job)


@command("run", "Submit a job specification")
class Run(Command):
    path: str = argument(help="a .toml file", complete="file")
    force: bool = argument(default=False, help="run it even if it was done before")

    def run(self, bench: Workbench) -> None:
        from saetui.jobs import load_spec

        path = user_path(self.path)

        def submit() -> str:
            job = bench.client.submit(load_spec(path), force=self.force)
            if job.found_text:
                return f"{job.found_text}; :run {self.path} force=true runs it again"
            return f"{job.title} is queued; screen 7 shows its progress, and x there cancels it"

        bench.in_background(submit)


def _can_retry(job: Job) -> bool:
    """Whether it has ended badly, or waits for one that has."""
    return job.state in ("failed", "cancelled") or job.blocked is not None


def listed(jobs: Sequence[Job]) -> list[Job]:
    """Jobs as they are listed: by device, the running one first, then those that wait, then the ended, latest first.

    Those that cannot be read, and so have no device, come last.
    """

    def place(job: Job) -> tuple[int, str, int, float]:
        rank = {"running": 0, "queued": 1}.get(job.state, 2)
        created = job.created.timestamp()
        return (2 if not job.device else int(job.device == "cpu"), job.device, rank, created if rank == 1 else -created)

    return sorted(jobs, key=place)


def current_job(bench: Workbench) -> Job | None:
    """The job that is looked at, else the first that runs, else the first listed."""
    chosen = [job for job in bench.jobs if job.id == bench.attention.job]
    running = [job for job in bench.jobs if job.state == "running"]
    return next(iter(chosen or running or listed(bench.jobs)), None)


def find_job(bench: Workbench, name: str, jobs: Sequence[Job] | None = None) -> Job:
    """The job of an id or the unique beginning of one; without a name the one that is looked at.

    ``jobs`` are those that there are, where the workbench has not looked at them yet.
    """
    if not name:
        job = current_job(bench)
        if job is None:
            raise CommandError("there is no job yet; :study demo submits some")
        return job
    found = meant(name, bench.jobs if jobs is None else jobs, lambda job: (job.id,))
    if len(found) != 1:
        raise CommandError(f"{name!r} can be {', '.join(j.id for j in found)}" if found else f"no job {name!r}")
    return found[0]
