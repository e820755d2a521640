"""Workers that are stopped, machines that are gone or renamed: what is said of them, and who takes over."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from saetui.cli.headless import follow_jobs
from saetui.jobs import Job, JobClient
from saetui.jobs.folder import JobFolder
from saetui.jobs.identity import ProcessIdentity
from saetui.jobs.launch import WorkerFiles
from saetui.jobs.pulse import Pulse
from saetui.jobs.queue import Queue
from store import Store

from .harness import count, ended, endless, underway, wait_until, workers

ELSEWHERE = replace(ProcessIdentity.current(), host="old-name", boot="another", pid=1)


def elsewhere(client: JobClient, monkeypatch: pytest.MonkeyPatch, label: str = "", **fields: Any) -> Job:
    """A job of this user's that was queued on a machine which was called otherwise."""
    with monkeypatch.context() as patch:
        patch.setattr(JobClient, "ensure_workers", lambda _: None)
        job = client.submit(count(1, label=label))
    job.folder.change(lambda record: replace(record, host="old-name", **fields))
    return client.job(job.id)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that pass for those who watch heartbeats."""
    now = [1000.0]
    monkeypatch.setattr("saetui.jobs.pulse.time.monotonic", lambda: now[0])
    return now


def watch(pulse: Pulse, files: WorkerFiles, clock: list[float], seconds: float) -> float:
    for _ in range(int(seconds)):
        clock[0] += 1
        silence = pulse.silence(files)
    return silence


def test_silence_is_what_was_watched_whatever_the_clocks_say(tmp_path: Path, clock: list[float]) -> None:
    (tmp_path / "jobs").mkdir()
    files, pulse = WorkerFiles(tmp_path / "jobs", "cpu", "far"), Pulse()
    assert pulse.silence(files) == 0
    assert watch(pulse, files, clock, 5) == 5
    files.make()
    files.beat()
    os.utime(files.heartbeat, (1, 1))  # Its clock is fifty years behind.
    assert pulse.silence(files) == 0
    assert watch(pulse, files, clock, 100) == 100
    os.utime(files.heartbeat, (2, 2))
    assert pulse.silence(files) == 0
    clock[0] += 10_000  # The watcher itself was stopped.
    assert pulse.silence(files) == 2


def test_a_job_of_a_machine_that_is_gone_ends_after_two_minutes_without_life(
    tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch, client: JobClient
) -> None:
    job = elsewhere(client, monkeypatch, state="running", worker=ELSEWHERE, started=time.time())
    files = WorkerFiles(client.jobs_root, "cpu", "old-name")
    files.make()
    queue = Queue(client.jobs_root)
    for second in range(300):
        os.utime(files.heartbeat, (second, second)) if files.heartbeat.exists() else files.beat()
        clock[0] += 1
        assert queue.entries()[job.id].record.state == "running"
    for _ in range(119):
        clock[0] += 1
        assert queue.entries()[job.id].record.state == "running"
    clock[0] += 2
    ended_job = queue.entries()[job.id].record
    assert (ended_job.state, ended_job.hint) == ("failed", "retry the job here")
    assert ended_job.message == "its worker on old-name has shown no sign of life for 120 s"


def test_a_process_of_another_container_is_not_judged_and_one_of_a_renamed_host_is() -> None:
    me = ProcessIdentity.current()
    renamed = replace(me, host="old-name")
    assert renamed.is_here
    assert renamed.alive
    assert not replace(renamed, started="ticks 1").alive
    container = replace(me, host="old-name", pids="pid:[1]", started="ticks 1")
    assert not container.is_here
    assert container.alive
    before = me.to_json()
    del before["pids"]
    assert ProcessIdentity.from_json(before).is_here, "as it was written before namespaces were"


def test_a_job_queued_under_an_old_name_runs_here_once_that_is_silent(
    client: JobClient, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = elsewhere(client, monkeypatch)
    client.ensure_workers()
    assert client.job(job.id).waiting == "queued on old-name"
    assert not workers(client.store_root)
    for _ in range(31):
        clock[0] += 1
        client.ensure_workers()
    assert ended(client, job).state == "done"
    assert client.job(job.id).record.host != "old-name"


def test_a_job_queued_where_the_worker_has_died_here_runs_at_once(
    client: JobClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = elsewhere(client, monkeypatch)
    files = WorkerFiles(client.jobs_root, "cpu", "old-name")
    dead = replace(ProcessIdentity.current(), host="old-name", started="ticks 1")
    with files.lease as lease:
        assert lease.acquire({"worker": dead.to_json()})
    client.ensure_workers()
    assert ended(client, job).state == "done"


def test_a_job_of_a_silent_machine_without_its_device_here_says_what_to_do(
    client: JobClient, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = elsewhere(client, monkeypatch, device="cuda:63")
    for _ in range(40):
        clock[0] += 1
        client.ensure_workers()
        waiting = client.job(job.id).waiting or ""
    assert waiting.startswith("queued on old-name, which has shown no sign of life for ")
    assert waiting.endswith(f"`saetui jobs start {job.id} --device cpu` runs it here")
    assert ended(client, client.start(job.id, "cpu")).state == "done"


def test_the_same_spec_submitted_here_takes_over_from_a_silent_machine(
    client: JobClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = elsewhere(client, monkeypatch)
    again = client.submit(count(1))
    assert again.id == job.id
    assert ended(client, again).state == "done"


def test_the_worker_of_a_machine_that_was_renamed_meanwhile_keeps_its_device(
    client: JobClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = underway(client, client.submit(endless()))
    monkeypatch.setattr("saetui.jobs.submission.platform.node", lambda: "new-name")
    renamed = JobClient(client.store_root, idle_s=30)
    assert renamed.job(running.id).state == "running"
    second = renamed.submit(count())
    renamed.ensure_workers()
    assert renamed.job(second.id).record.host == running.record.host
    renamed.cancel(running.id)
    assert ended(renamed, second).record.worker == running.record.worker
    assert len(workers(client.store_root)) == 1
    assert sorted(os.listdir(client.jobs_root / ".workers")) == [running.record.host]
    renamed.release_workers()
    wait_until(lambda: not workers(client.store_root))


def test_jobs_behind_a_stopped_worker_say_so(
    client: JobClient, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("saetui.jobs.silence._FRESH_S", 0.5)
    first = underway(client, client.submit(endless()))
    second = client.submit(count())
    assert first.record.worker is not None
    worker = psutil.Process(first.record.worker.pid)
    worker.suspend()
    try:
        wait_until(lambda: "is stopped" in (client.job(second.id).waiting or ""))
        waiting = client.job(second.id).waiting or ""
        assert waiting.startswith("no sign of life for ")
        assert waiting.endswith(f"s: its worker (PID {worker.pid}) is stopped")
        assert "no sign of life" in (client.job(first.id).waiting or "")
    finally:
        worker.resume()
    wait_until(lambda: client.job(second.id).waiting is None)
    client.cancel(first.id)
    ended(client, second)


@pytest.mark.slow
def test_following_says_what_the_interface_says(
    client: JobClient, store_root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(store_root, create=True).close()
    monkeypatch.setattr("saetui.jobs.silence._FRESH_S", 0.5)
    first = underway(client, client.submit(count(60, 0.05)))
    assert first.record.worker is not None
    pid = first.record.worker.pid
    # Lets the worker go on after a while, from a process of its own, for following blocks this one.
    resume = f"import os, time; time.sleep(3); os.kill({pid}, {int(signal.SIGCONT)})"
    os.kill(pid, signal.SIGSTOP)
    with subprocess.Popen([sys.executable, "-c", resume]):
        assert follow_jobs(store_root, [first.id]) == 0
    said = capsys.readouterr().err.splitlines()
    assert sum("no sign of life" in line and f"PID {pid}" in line for line in said) >= 1


@pytest.mark.slow
def test_following_ends_when_all_has_ended_or_is_blocked(
    client: JobClient, store_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from .harness import trouble

    Store.open(store_root, create=True).close()
    first = client.submit(trouble("bug"))
    second = client.submit(count(), after=[first])
    assert follow_jobs(store_root, [first, second]) == 1
    said = capsys.readouterr().err
    assert "saetui: trouble: failed: KeyError: 'missing'" in said
    assert "saetui: count: blocked by trouble, which failed; retry either to go on" in said
    assert JobFolder(second.folder.path).read().state == "queued"
