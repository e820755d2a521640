"""Commands about jobs, on job folders that nobody runs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from saetui.commands.dispatch import dispatch
from saetui.commands.jobs import Cancel, Retry, Start
from saetui.jobs import Job, JobClient
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.workbench.exceptions import CommandError
from saetui.workbench.workbench import Workbench
from tests.made_stores import copy_of
from tests.saved_saes import save_folder


@pytest.fixture
def bench(made_empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)
    copy_of(made_empty, tmp_path / "store")
    for width in (64, 256, 1024):
        save_folder(tmp_path / "store", f"w{width}", f"w{width}-k4")
    bench = Workbench.open(tmp_path / "store", inline=True)
    dispatch(bench, "screen jobs")
    yield bench
    bench.close()


def queued(bench: Workbench, name: str = "w64-k4", **options: object) -> Job:
    spec = LettersSpec(hook_name="blocks.1.hook_resid_post", saes=(name,))
    job = bench.client.submit(spec, **options)  # type: ignore[arg-type]
    bench.poll()
    return job


def test_a_job_of_somebody_else_is_started_by_name_after_a_question(bench: Workbench) -> None:
    own = queued(bench)
    assert not Start.available(bench)
    own.folder.change(lambda record: replace(record, mark=None))
    bench.poll()
    assert Start.available(bench)
    question = Start(own.id).question(bench)
    assert question == "Start Letters of w64-k4? It runs as you, on your files, with the settings on its card."
    assert dispatch(bench, "start") == Start(own.id)
    assert bench.client.job(own.id).waiting is None
    assert not Start.available(bench)


def test_a_blocked_job_is_retried_by_what_blocks_it(bench: Workbench) -> None:
    first = queued(bench)
    second = queued(bench, "w256-k4", after=[first])
    dispatch(bench, f"cancel {first.id}")
    blocked = bench.client.job(second.id).blocked
    assert blocked == "blocked by Letters of w64-k4, which was cancelled; retry either to go on"
    assert dispatch(bench, f"retry {second.id}") == Retry(second.id)
    (again,) = [job for job in bench.jobs if job.record.retry_of == first.id]
    assert (again.state, bench.client.job(second.id).blocked) == ("queued", None)
    with pytest.raises(CommandError, match="only failed or cancelled jobs run again"):
        dispatch(bench, f"retry {second.id}")


def test_what_cancelling_costs_is_said_before(bench: Workbench) -> None:
    job = queued(bench)
    assert "It has not started" in Cancel(job.id).question(bench)
    job.folder.change(lambda record: replace(record, state="running", started=record.created))
    bench.poll()
    question = Cancel(job.id).question(bench)
    assert question.endswith("SAEs and studies that are finished are kept; what is under way is lost.")
