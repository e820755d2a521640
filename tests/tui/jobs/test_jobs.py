"""Screen 7."""

import json
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saetui.jobs import JobClient
from saetui.jobs.folder import JobFolder, Record, State
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.tui.jobs.list import JobList
from tests.tui.frame.running import running

SPEC = LettersSpec(hook_name="blocks.1.hook_resid_post", saes=("w64-k4",))


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)


class Queue:
    """Jobs as a client and a worker would leave them on disk."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._count = 0

    def add(self, state: State, title: str, **given: Any) -> JobFolder:
        self._count += 1
        record = Record(
            job_id=f"20261120-{self._count:06}",
            kind="letters",
            title=title,
            state=state,
            device=given.pop("device", "cpu"),
            host=platform.node(),
            content_hash=str(self._count),
            created=time.time() - 100 + self._count,
            **given,
        )
        return JobFolder.create(self.store / "jobs", record, SPEC.document())

    @staticmethod
    def progress(folder: JobFolder, done: int, total: int) -> None:
        record = {"t": time.time(), "clock": time.monotonic(), "phase": "probes", "done": done, "total": total}
        with folder.progress.open("ab") as file:
            file.write(json.dumps(record | {"unit": "words", "metrics": {"loss": 0.25}}).encode() + b"\n")


@pytest.fixture
def queue(study: Path) -> Queue:
    (study / "jobs").mkdir(exist_ok=True)
    return Queue(study)


async def test_jobs_stand_by_device_with_progress_log_and_spec(study: Path, queue: Queue) -> None:
    now = time.time()
    running_job = queue.add("running", "Letters of w64-k4", started=now - 5)
    queue.progress(running_job, 250, 1000)
    running_job.log.write_text("reading words\nfitting probes\n")
    queue.add("queued", "Latents of w64-k4", after=(running_job.job_id,))
    queue.add("failed", "Train w9", device="cuda:0", started=now - 60, ended=now - 10, message="CUDA ran out of memory")
    async with running(study) as run:
        await run.press("7")
        await run.shows("cuda:0", "failed in 0:50", "25%", "after Letters of w64-k4")
        await run.shows("probes · 250 of 1,000 words", "loss", "0.25", "fitting probes", "w64-k4")
        await run.shows("letters ▸ 25%")
        await run.shows("GiB")


@pytest.mark.slow
async def test_progress_moves_on_by_itself(study: Path, queue: Queue) -> None:
    job = queue.add("running", "Letters of w64-k4", started=time.time())
    async with running(study) as run:
        await run.press("7")
        await run.shows("Letters of w64-k4")
        queue.progress(job, 900, 1000)
        await run.shows("90%")
        job.end("done")
        await run.shows("done in 0:0")


@pytest.mark.slow
async def test_the_cursor_says_which_job_the_card_is_about(study: Path, queue: Queue) -> None:
    now = time.time()
    queue.add("failed", "Train w9", started=now, ended=now, message="NaN in step 12", hint="a smaller lr")
    queue.add("queued", "Letters of w64-k4")
    async with running(study) as run:
        await run.press("7")
        await run.shows("Letters of w64-k4")
        await run.press("j")
        await run.shows("NaN in step 12", "a smaller lr")
        assert run.bench.attention.job == "20261120-000001"
        await run.press("left_square_bracket")
        await run.until(lambda: run.bench.screen == "overview")


@pytest.mark.slow
async def test_cancelling_asks_first(study: Path, queue: Queue) -> None:
    queue.add("queued", "Letters of w64-k4")
    async with running(study) as run:
        await run.press("7")
        await run.shows("x cancel")
        await run.press("x")
        await run.shows("Cancel Letters of w64-k4?")
        await run.press("n")
        await run.hides("Cancel Letters")
        assert run.bench.jobs[0].state == "queued"
        await run.press("x", "y")
        await run.until(lambda: run.bench.jobs[0].state == "cancelled")
        await run.shows("r retry")
        assert "x cancel" not in run.text
        await run.press("x")
        await run.shows("is cancelled already")


async def test_on_a_narrow_terminal_a_key_unfolds_the_card(study: Path, queue: Queue) -> None:
    job = queue.add("running", "Letters of w64-k4", started=time.time())
    job.log.write_text("fitting probes\n")
    async with running(study, size=(80, 24)) as run:
        await run.press("7")
        await run.shows("fitting probes")
        assert "submitted" not in run.text
        await run.press("c")
        await run.shows("submitted")
        assert "fitting probes" not in run.text
        await run.press("c")
        await run.shows("fitting probes")


async def test_a_failed_job_runs_again(study: Path, queue: Queue) -> None:
    now = time.time()
    queue.add("failed", "Train w9", started=now, ended=now, message="NaN")
    async with running(study) as run:
        await run.press("7")
        await run.shows("r retry")
        await run.press("r")
        await run.until(lambda: [job.state for job in run.bench.jobs] == ["failed", "queued"])


async def test_a_link_opens_on_a_job(study: Path, queue: Queue) -> None:
    for title in ("first", "second"):
        queue.add("queued", title)
    async with running(study) as run:
        await run.until(lambda: run.bench.jobs)
        run.app.dispatch("open jobs/20261120-000002")
        await run.shows("second")
        chosen = run.app.screen.query_one(JobList).job
        assert chosen is not None
        assert chosen.title == "second"


@pytest.mark.slow
async def test_hundreds_of_jobs_are_listed(study: Path, queue: Queue) -> None:
    folder = queue.add("done", "Letters", started=1.0, ended=2.0)
    record = folder.read()
    for number in range(300):
        JobFolder.create(study / "jobs", replace(record, job_id=f"20261119-{number:06}"), SPEC.document())
    async with running(study) as run:
        await run.press("7")
        await run.shows("done in 0:01")
        await run.press("G")
        await run.until(lambda: run.bench.attention.job == folder.job_id)
