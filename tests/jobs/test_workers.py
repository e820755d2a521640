"""Jobs in real worker processes: order, warmth, dependencies, reuse, two clients."""

import json
import shutil
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from saetui.jobs import JobClient, JobError, parse_spec
from saetui.jobs.launch import WorkerFiles
from saetui.jobs.run import follow, run_spec, wait_for

from .harness import count, end_workers, ended, endless, trouble, underway, wait_until, workers


def test_a_job_runs_to_its_end_in_another_process(client: JobClient) -> None:
    job = ended(client, client.submit(count(3)))
    assert (job.state, job.message, job.device) == ("done", None, "cpu")
    assert (job.folder.out / "counted.txt").read_text() == "3 cpu ''"
    assert job.progress is not None
    assert (job.progress.phase, job.progress.done, job.progress.total) == ("count", 3, 3)
    assert job.progress.metrics == {"last": 2}
    assert job.log_tail(1) == ["counting"]
    assert job.started is not None
    assert job.ended is not None
    assert job.created <= job.started <= job.ended


def test_jobs_of_a_device_run_in_order_in_one_warm_process(client: JobClient) -> None:
    jobs = [client.submit(count(1, label=str(i))) for i in range(4)]
    finished = [ended(client, job) for job in jobs]
    assert [job.id for job in client.jobs()] == [job.id for job in jobs]
    starts = [job.record.started or 0 for job in finished]
    ends = [job.record.ended or 0 for job in finished]
    assert all(end <= start for end, start in zip(ends[:-1], starts[1:], strict=True))
    made = {(job.folder.out / "warm.txt").read_text() for job in finished}
    assert len(made) == 1
    assert made.pop().endswith(jobs[0].id)


def test_the_results_are_finished_before_the_job_is_done(client: JobClient, store_root: Path) -> None:
    job = ended(client, client.submit(count()))
    manifests = [json.loads(path.read_text()) for path in (store_root / "spool").glob("*/manifest.json")]
    assert [(m["job_id"], [p["table"] for p in m["parts"]]) for m in manifests] == [(job.id, ["job"])]


def test_a_failed_job_leaves_only_its_record(client: JobClient, store_root: Path) -> None:
    job = ended(client, client.submit(trouble("rows then bug")))
    assert job.state == "failed"
    wait_until(lambda: (job.folder.kept).exists())
    manifests = [json.loads(path.read_text()) for path in (store_root / "spool").glob("*/manifest.json")]
    assert [[p["table"] for p in m["parts"]] for m in manifests] == [["job"]]


@pytest.mark.parametrize("how", ["keeps one, then bug", "keeps one, then waits"])
def test_what_a_job_has_kept_outlives_its_failure_or_cancelling(client: JobClient, store_root: Path, how: str) -> None:
    job = client.submit(trouble(how))
    wait_until(lambda: client.job(job.id).log_tail(1))
    client.cancel(job.id)
    job = ended(client, job)
    assert job.state == ("failed" if how.endswith("bug") else "cancelled")
    # Its record is spooled after its end, in a folder that changes its name.
    wait_until(job.folder.kept.exists)
    parts = (store_root / "spool").glob("*/*-model.parquet")
    assert [pl.read_parquet(path)["model_id"].to_list() for path in parts] == [["kept"]]


def test_the_same_content_is_not_computed_twice(client: JobClient) -> None:
    first = client.submit(count(2))
    assert client.submit(count(2)).id == first.id
    ended(client, first)
    assert client.submit(count(2)).id == first.id
    assert client.submit(count(3)).id != first.id
    again = client.submit(count(2), force=True)
    assert again.id != first.id
    assert ended(client, again).state == "done"


def test_a_failed_job_is_no_result_to_reuse(client: JobClient) -> None:
    first = ended(client, client.submit(trouble("bug")))
    assert client.submit(trouble("bug")).id != first.id


def test_a_job_waits_for_those_it_comes_after(client: JobClient) -> None:
    first = client.submit(endless())
    second = client.submit(count(), after=[first])
    other = client.submit(count(label="other"), force=True)
    underway(client, first)
    assert client.job(second.id).waiting == f"after {first.title}"
    client.cancel(first.id)
    assert ended(client, other).state == "done"
    blocked = client.job(second.id)
    assert blocked.state == "queued"
    assert blocked.blocked == blocked.waiting == "blocked by count, which was cancelled; retry either to go on"
    assert wait_for(follow(client, second.id)).blocked == blocked.blocked


def test_a_chain_runs_in_its_order(client: JobClient) -> None:
    a = client.submit(count(label="a"))
    b = client.submit(count(label="b"), after=[a.id])
    c = client.submit(count(label="c"), after=[a, b])
    assert ended(client, c).state == "done"
    times = [client.job(job.id).record.started or 0 for job in (a, b, c)]
    assert times == sorted(times)


def test_retrying_the_last_of_a_chain_retries_what_failed_before_it(client: JobClient) -> None:
    first = client.submit(endless())
    second = client.submit(count(), after=[first])
    underway(client, first)
    client.cancel(first.id, now=True)
    wait_until(lambda: client.job(second.id).blocked)
    retried = client.retry(second.id)
    assert (retried.id, retried.blocked) == (second.id, None)
    (new_first,) = [job for job in client.jobs() if job.record.retry_of == first.id]
    with pytest.raises(JobError, match="is queued; only a failed or cancelled job"):
        client.retry(second.id)
    underway(client, new_first)
    client.cancel(new_first.id, now=True)
    ended(client, new_first)


@pytest.mark.slow
def test_what_waits_for_a_failed_job_runs_after_its_retry(client: JobClient, store_root: Path) -> None:
    switch = store_root / "switch"
    first = client.submit(trouble(f"until {switch}"))
    second = client.submit(count(label="second"), after=[first])
    third = client.submit(count(label="third"), after=[second])
    ended(client, first)
    assert client.job(third.id).blocked == "blocked by trouble, which failed; retry either to go on"
    switch.touch()
    client.retry(third.id)
    assert [ended(client, job).state for job in (second, third)] == ["done", "done"]
    assert client.job(first.id).state == "failed"


@pytest.mark.slow
def test_the_same_spec_submitted_again_takes_the_place_of_a_failed_job(client: JobClient, store_root: Path) -> None:
    switch = store_root / "switch"
    first = client.submit(trouble(f"until {switch}"))
    second = client.submit(count(label="second"), after=[first])
    ended(client, first)
    switch.touch()
    again = client.submit(trouble(f"until {switch}"))
    assert client.submit(count(label="second"), after=[again]).id == second.id
    assert ended(client, second).state == "done"


def test_a_job_whose_dependency_is_gone_or_is_itself_is_blocked(client: JobClient) -> None:
    first = ended(client, client.submit(trouble("bug")))
    second = client.submit(count(), after=[first])
    shutil.rmtree(first.folder.path)
    assert "is gone; cancel this one" in (client.job(second.id).blocked or "")
    with pytest.raises(JobError, match="which is gone; submit it again"):
        client.retry(second.id)
    second.folder.change(lambda record: replace(record, after=(second.id,), retry_of=second.id))
    assert client.job(second.id).blocked == "blocked: it waits for itself; cancel it"
    assert client.cancel(second.id).state == "cancelled"


@pytest.mark.slow
def test_what_was_done_before_says_when(client: JobClient) -> None:
    first = client.submit(count(2))
    assert (first.found, first.found_text) == (False, None)
    done = ended(client, first)
    assert done.ended is not None
    again = client.submit(count(2))
    assert again.found_text == f"count was done on {done.ended.astimezone():%Y-%m-%d at %H:%M} and is not run again"
    assert client.submit(count(2), force=True).found_text is None


@pytest.mark.slow
def test_an_edited_source_is_other_work(client: JobClient, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("one")
    first = ended(client, client.submit(parse_spec({"kind": "read", "corpus": str(corpus)})))
    assert client.submit(parse_spec({"kind": "read", "corpus": str(corpus)})).id == first.id
    corpus.write_text("two")
    second = client.submit(parse_spec({"kind": "read", "corpus": str(corpus)}))
    assert second.id != first.id
    assert ended(client, second).state == "done"
    corpus.write_text("one")
    assert client.submit(parse_spec({"kind": "read", "corpus": str(corpus)})).id == first.id


@pytest.mark.slow
def test_only_what_failed_is_retried(client: JobClient) -> None:
    job = ended(client, client.submit(count()))
    with pytest.raises(JobError, match="is done; only a failed or cancelled job"):
        client.retry(job.id)


def test_a_job_after_nothing_is_refused(client: JobClient) -> None:
    with pytest.raises(JobError, match="after: there is no job 'nobody'"):
        client.submit(count(), after=["nobody"])


def test_a_device_that_is_not_there_is_refused(client: JobClient) -> None:
    with pytest.raises(JobError, match=r"device: 'cuda:63' is not on this machine, which has .*cpu"):
        client.submit(count(), device="cuda:63")


def test_a_store_that_is_not_there_is_refused(tmp_path: Path, toy_tasks: None) -> None:
    with pytest.raises(JobError, match="there is no such store"):
        JobClient(tmp_path / "nowhere").submit(count())
    assert JobClient(tmp_path / "nowhere").jobs() == []


@pytest.mark.slow
def test_two_clients_share_one_worker(client: JobClient, store_root: Path) -> None:
    other = JobClient(store_root, idle_s=30)
    pairs: list[tuple[str, str]] = []

    def submit(who: JobClient, name: str) -> None:
        for i in range(3):
            pairs.append((name, who.submit(count(label=f"{name}{i}")).id))

    threads = [threading.Thread(target=submit, args=pair) for pair in ((client, "a"), (other, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jobs = [ended(client, job_id) for _, job_id in pairs]
    assert [job.id for job in other.jobs()] == [job.id for job in client.jobs()]
    assert len({(job.folder.out / "warm.txt").read_text() for job in jobs}) == 1
    spans = sorted((job.record.started or 0, job.record.ended or 0) for job in jobs)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert len(workers(store_root)) == 1


@pytest.mark.slow
def test_two_clients_that_submit_the_same_get_the_same_job(client: JobClient, store_root: Path) -> None:
    ids: list[str] = []
    clients = [client, *(JobClient(store_root, idle_s=30) for _ in range(3))]
    threads = [threading.Thread(target=lambda c=c: ids.append(c.submit(count(5)).id)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    ended(client, ids[0])


@pytest.mark.slow
def test_no_job_is_lost_while_a_worker_leaves(store_root: Path) -> None:
    # The worker leaves when idle for an instant, so that many of these meet one on its way out.
    client = JobClient(store_root, idle_s=0.0)
    for number in range(12):
        job = client.submit(count(label=str(number)))
        assert ended(client, job).state == "done"


@pytest.mark.slow
def test_a_worker_goes_when_it_is_idle(store_root: Path) -> None:
    client = JobClient(store_root, idle_s=0.2)
    ended(client, client.submit(count()))
    wait_until(lambda: not workers(store_root))
    assert WorkerFiles(client.jobs_root, "cpu").lease.is_free()


@pytest.mark.slow
def test_a_warm_worker_goes_on_request(client: JobClient, store_root: Path) -> None:
    ended(client, client.submit(count()))
    assert workers(store_root)
    client.release_workers()
    wait_until(lambda: not workers(store_root))
    assert ended(client, client.submit(count(label="next"))).state == "done"


@pytest.mark.slow
def test_a_lease_left_by_a_dead_worker_is_stale(client: JobClient, store_root: Path) -> None:
    ended(client, client.submit(count()))
    end_workers(store_root)
    note = WorkerFiles(client.jobs_root, "cpu").lease.note()
    assert note["store"] == str(store_root)
    assert ended(client, client.submit(count(label="next"))).state == "done"


def test_a_worker_that_cannot_start_fails_its_jobs(
    client: JobClient, monkeypatch: pytest.MonkeyPatch, store_root: Path
) -> None:
    monkeypatch.setattr("saetui.jobs.launch.python_module", lambda *_: ["/bin/sh", "-c", "echo no python >&2; exit 3"])
    monkeypatch.setattr("saetui.jobs.workforce._FAILED_STARTS", 1)
    job = client.submit(count())
    assert wait_for(follow(client, job.id)).message == "the worker for cpu does not start: no python"


@pytest.mark.slow
def test_following_a_spec_yields_what_changes_and_returns_the_end(client: JobClient) -> None:
    seen = []
    steps = run_spec(client, count(4, 0.1), poll_s=0.02)
    try:
        while True:
            seen.append(next(steps))
    except StopIteration as stop:
        last = stop.value
    assert last.state == "done"
    assert seen[-1] == last
    done = [job.progress.done for job in seen if job.progress is not None]
    assert done == sorted(done)
    assert len(set(done)) > 2
    assert all(before != after for before, after in pairwise(seen))


def test_an_unreadable_job_does_not_hide_the_others(client: JobClient) -> None:
    good = ended(client, client.submit(count()))
    bad = client.jobs_root / "20000101-000000-000000-0000"
    bad.mkdir()
    (bad / "state.json").write_text("{")
    (client.jobs_root / "stray folder").mkdir()
    jobs = {job.id: job for job in JobClient(client.store_root).jobs()}
    assert set(jobs) == {good.id, bad.name}
    assert "state.json: not JSON" in (jobs[bad.name].message or "")


def test_a_spec_of_a_later_saetui_fails_its_job_with_the_reason(client: JobClient) -> None:
    spec = parse_spec({"kind": "count"})

    class Later:
        kind, title, content_hash, lasts = spec.kind, spec.title, "later", True

        def document(self) -> dict[str, object]:
            return {"schema": 99, "kind": "count"}

    job = ended(client, client.submit(Later()))
    assert job.state == "failed"
    assert "spec.json: schema: 99 is not known to this saetui" in (job.message or "")


def test_a_queued_job_can_move_but_no_other(client: JobClient) -> None:
    first = client.submit(endless())
    second = client.submit(count())
    underway(client, first)
    assert client.move(second.id, "cpu").device == "cpu"
    with pytest.raises(JobError, match="only a queued job can move"):
        client.move(first.id, "cpu")
    client.cancel(first.id)
    assert ended(client, second).state == "done"
