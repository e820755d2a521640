"""Jobs whose results do not fit the store: they are not done, and the command line says so."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from saetui.cli.headless import cancel_job, follow_jobs, print_jobs, start_job
from saetui.jobs import JobClient, JobError
from saetui.jobs.launch import WorkerFiles
from saetui.workbench.exceptions import CommandError
from store import Spool, Store

from .harness import count, ended, trouble, wait_until


def damage(store: Path, name: str = "*") -> None:
    """Writes other bytes into the parts that wait in the spool."""
    parts = list((store / "spool").glob(f"{name}/*.parquet"))
    assert parts
    for part in parts:
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 0xFF
        part.write_bytes(content)


@pytest.fixture
def store(made_empty: Path, store_root: Path) -> Path:
    return Path(shutil.copytree(made_empty, store_root, dirs_exist_ok=True))


@pytest.mark.slow
def test_a_job_whose_results_are_set_aside_has_failed_and_is_run_again(
    client: JobClient, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ended(client, client.submit(count()))
    damage(store)
    assert follow_jobs(store, [job]) == 1
    said = capsys.readouterr().err
    assert "count: failed: its results do not fit the store and were set aside: " in said
    failed = client.job(job.id)
    assert (failed.state, failed.folder.read().state) == ("failed", "failed")
    again = client.submit(count())
    assert (again.found, again.record.retry_of) == (False, job.id)
    assert follow_jobs(store, [again]) == 0
    capsys.readouterr()
    print_jobs(store)
    listed = capsys.readouterr().out
    assert f".rejected of job {job.id}: " in listed


@pytest.mark.slow
def test_what_a_job_keeps_is_in_the_store_while_it_runs(client: JobClient, store: Path) -> None:
    job = client.submit(trouble("keeps a mark, then waits"))
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow_jobs, store, [job])
        try:
            with Store.open(store) as opened:
                wait_until(lambda: opened.fetch("SELECT key FROM mark").rows == [("kept",)])
            assert client.job(job.id).state == "running"
        finally:
            client.cancel(job.id, now=True)
        assert following.result(30) == 1


def test_results_of_unknown_jobs_that_were_set_aside_are_listed(
    store: Path, toy_tasks: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with Spool(store, "unknown-job") as spool:
        spool.add("vocabulary", [{"model_id": "m", "token_id": 1, "surface": "a", "frequency": 1}])
    damage(store)
    with Store.open(store) as opened:
        assert opened.commit_spool().rejected
    assert print_jobs(store) == 0
    assert ".rejected of job unknown-job: " in capsys.readouterr().out


@pytest.mark.slow
def test_a_store_that_may_only_be_read_shows_the_truth(
    client: JobClient, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ended(client, client.submit(count()))
    # Its worker sees the same queue, and would write down what this test wants unwritten.
    client.release_workers()
    wait_until(WorkerFiles(store / "jobs", "cpu").lease.is_free)
    damage(store)
    with Store.open(store) as opened:
        assert opened.commit_spool().rejected

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "lock")

    monkeypatch.setattr("saetui.jobs.folder.locked", refuse)
    assert JobClient(store).job(job.id).state == "failed"
    assert job.folder.read().state == "done"


def test_cancel_and_start_by_the_beginning_of_an_id(
    client: JobClient, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(JobClient, "ensure_workers", lambda _: None)
        job = client.submit(count())
        assert start_job(store, job.id[:8], None) == 0
        assert capsys.readouterr().err == "count is queued on cpu\n"
    assert cancel_job(store, job.id[:8]) == 0
    assert capsys.readouterr().err == "count: cancelled\n"
    with pytest.raises(CommandError, match="jobs start: 'x' names 0 jobs"):
        start_job(store, "x", None)
    with pytest.raises(JobError, match="is cancelled; only a queued job can be started"):
        start_job(store, job.id, None)
