"""Jobs that are cancelled, crash or are killed, and clients that die: what it leaves, and that work goes on."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from saetui.jobs import Job, JobClient
from saetui.jobs.identity import ProcessIdentity
from saetui.jobs.launch import WorkerFiles
from saetui.jobs.run import run_spec, wait_for

from .harness import count, ended, endless, trouble, underway, wait_until, workers

CLIENT = """
import sys, time
from saetui.jobs import JobClient, parse_spec
client = JobClient(sys.argv[1], idle_s=30)
job = client.submit(parse_spec({"kind": "count", "to": 12, "pause_s": 0.1}))
print(job.id, flush=True)
while True:
    client.jobs()
    time.sleep(0.05)
"""


def runner_of(job: Job) -> psutil.Process:
    assert job.record.worker is not None
    (runner,) = psutil.Process(job.record.worker.pid).children()
    return runner


def runners(root: Path) -> list[psutil.Process]:
    """All runners of a store, those of dead workers too."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            command = process.cmdline()
            if "saetui.jobs.runner" in command and str(root) in command:
                found.append(process)
    return found


def works_again(client: JobClient) -> bool:
    return wait_for(run_spec(client, count(), force=True)).state == "done"


def test_a_running_job_stops_when_asked(client: JobClient) -> None:
    job = underway(client, client.submit(endless()))
    runner = runner_of(job)
    client.cancel(job.id)
    cancelled = ended(client, job)
    assert (cancelled.state, cancelled.message) == ("cancelled", None)
    assert works_again(client)
    assert runner.is_running(), "a job that stops by itself leaves the process warm"


def test_a_queued_job_is_cancelled_at_once(client: JobClient) -> None:
    first = client.submit(endless())
    second = client.submit(count())
    assert client.cancel(second.id).state == "cancelled"
    client.cancel(first.id)
    ended(client, first)
    assert client.job(second.id).started is None


@pytest.mark.slow
def test_an_ended_job_stays_as_it_is(client: JobClient) -> None:
    job = ended(client, client.submit(count()))
    assert client.cancel(job.id).state == "done"


@pytest.mark.slow
def test_a_job_that_does_not_look_is_interrupted_after_the_grace_period(client: JobClient) -> None:
    job = underway(client, client.submit(trouble("python loop")))
    asked = time.monotonic()
    client.cancel(job.id)
    assert ended(client, job).state == "cancelled"
    assert time.monotonic() - asked > 0.4
    assert works_again(client)


@pytest.mark.slow
def test_a_deaf_job_is_killed(client: JobClient) -> None:
    job = underway(client, client.submit(trouble("deaf")))
    client.cancel(job.id, now=True)
    killed = ended(client, job)
    assert (killed.state, killed.message) == ("cancelled", "stopped by force: it did not stop by itself")
    assert works_again(client)


@pytest.mark.slow
def test_what_a_job_started_ends_with_it(client: JobClient) -> None:
    job = underway(client, client.submit(trouble("child")))
    child = ProcessIdentity.of(int((job.folder.out / "child.txt").read_text()))
    assert child is not None
    client.cancel(job.id, now=True)
    assert ended(client, job).state == "cancelled"
    wait_until(lambda: not child.alive)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "message", "hint"),
    [
        ("memory", "out of memory", "lower batch_size"),
        ("gpu memory", "GPU out of memory: CUDA out of memory. Tried to allocate 2.00 GiB.", "lower batch_size"),
        ("bug", "KeyError: 'missing'", "traceback is in the job's log"),
        ("segfault", "crashed in native code (SIGSEGV)", "in the job's log"),
        ("exit", "the process ended with exit code 7 before the job was done", "log"),
        ("disk", "disk full: [Errno 28] No space left on device: 'part.parquet'", "free space"),
    ],
)
def test_a_failure_has_a_message_and_a_hint_and_the_next_job_runs(
    client: JobClient, how: str, message: str, hint: str
) -> None:
    job = ended(client, client.submit(trouble(how)))
    assert (job.state, job.message) == ("failed", message)
    assert hint in (job.hint or "")
    assert "Traceback" not in (job.message or "")
    if how in ("memory", "gpu memory", "bug", "disk"):
        assert any("Traceback" in line for line in job.log_tail(50))
    if how == "segfault":
        assert any("toy_tasks.py" in line for line in job.log_tail(50))
    assert works_again(client)


@pytest.mark.slow
def test_a_killed_task_fails_with_a_hint_at_memory(client: JobClient) -> None:
    job = underway(client, client.submit(endless()))
    runner_of(job).kill()
    killed = ended(client, job)
    assert (killed.state, killed.message) == ("failed", "killed (SIGKILL)")
    assert "probably out of memory" in (killed.hint or "")
    assert killed.log_tail(1) == ["counting"]
    assert works_again(client)


@pytest.mark.slow
def test_a_killed_worker_takes_its_task_along_and_the_job_has_failed(client: JobClient, store_root: Path) -> None:
    job = underway(client, client.submit(endless()))
    assert job.record.worker is not None
    runner = runner_of(job)
    os.kill(job.record.worker.pid, signal.SIGKILL)
    failed = ended(client, job)
    assert (failed.state, failed.message) == ("failed", "the worker vanished while the job ran")
    assert "probably out of memory" in (failed.hint or "")
    wait_until(lambda: not runner.is_running() or runner.status() == psutil.STATUS_ZOMBIE)
    assert works_again(client)
    assert failed.folder.kept.exists(), "the next worker writes the record that the dead one could not"


def test_a_job_of_a_killed_worker_is_settled_by_the_next_worker_too(client: JobClient, store_root: Path) -> None:
    job = underway(client, client.submit(endless()))
    assert job.record.worker is not None
    os.kill(job.record.worker.pid, signal.SIGKILL)
    wait_until(lambda: not workers(store_root))
    other = subprocess.run(
        [sys.executable, "-m", "saetui.jobs.worker", "--store", store_root, "--device", "cpu", "--idle", "0"],
        timeout=30,
    )
    assert other.returncode == 0
    assert job.folder.read().state == "failed"


@pytest.mark.parametrize("delay_s", [0.0, 0.4])
def test_a_worker_killed_while_its_runner_starts_leaves_no_runner_and_no_results(
    client: JobClient, store_root: Path, delay_s: float
) -> None:
    # Long enough to be killed in time on a slow machine, short enough to end well where nobody ends it.
    job = client.submit(count(5, 0.2))
    wait_until(lambda: runners(store_root))
    time.sleep(delay_s)
    (worker,) = workers(store_root)
    os.kill(worker.pid, signal.SIGKILL)
    failed = ended(client, job)
    assert (failed.state, failed.message) == ("failed", "the worker vanished while the job ran")
    wait_until(lambda: not runners(store_root), timeout_s=2)
    wait_until(WorkerFiles(client.jobs_root, "cpu").lease.is_free, timeout_s=2)
    time.sleep(1.5)
    assert not (failed.folder.out / "counted.txt").exists()
    assert not list((store_root / "spool").glob("*/manifest.json"))
    assert client.job(job.id).state == "failed"


# Starts a runner as a worker does, says its process id, and lives until its own input ends.
STARTS_A_RUNNER = """
import os, subprocess, sys
runner = subprocess.Popen(
    [sys.executable, "-m", "saetui.jobs.runner", "--store", sys.argv[1], "--device", "cpu", "--worker",
     str(os.getpid())], stdin=int(os.environ["JOBS"]), stdout=subprocess.PIPE
)
print(runner.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("after_s", [0.0, 0.3, 3.0])
def test_a_runner_ends_with_its_worker_though_its_input_stays_open(
    client: JobClient, store_root: Path, monkeypatch: pytest.MonkeyPatch, after_s: float
) -> None:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)
    job = client.submit(endless())
    listened, given = os.pipe()
    command = [sys.executable, "-c", STARTS_A_RUNNER, str(store_root)]
    environment = os.environ | {"JOBS": str(listened)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[listened], env=environment
    ) as worker:
        assert worker.stdout is not None
        runner = ProcessIdentity.of(int(worker.stdout.readline()))
        assert runner is not None
        time.sleep(after_s)
        worker.kill()
    with contextlib.suppress(BrokenPipeError):
        os.write(given, f"{job.id}\n".encode())
    wait_until(lambda: not runner.alive, timeout_s=2)
    os.close(given)
    os.close(listened)
    assert job.folder.log_tail(1) == []


def test_a_runner_whose_worker_died_before_it_began_runs_nothing(
    client: JobClient, store_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)
    job = client.submit(count())
    job.folder.start(ProcessIdentity.current(), "cpu")
    elsewhere = [sys.executable, "-m", "saetui.jobs.runner", "--store", str(store_root), "--device", "cpu"]
    elsewhere += ["--worker", "1"]
    listened, given = os.pipe()
    os.write(given, f"{job.id}\n".encode())
    assert subprocess.run(elsewhere, stdin=listened, timeout=30).returncode == 0
    assert (job.folder.read().state, job.folder.log_tail(1)) == ("running", [])
    os.close(given)
    os.close(listened)


@pytest.mark.slow
def test_a_stopped_worker_is_noticed_and_its_job_can_be_cancelled(
    client: JobClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saetui.jobs.silence.SILENT_S", 1.5)
    job = underway(client, client.submit(endless()))
    assert job.record.worker is not None
    family = [psutil.Process(job.record.worker.pid), runner_of(job)]
    for process in family:
        process.suspend()
    wait_until(lambda: client.job(job.id).waiting)
    assert "no sign of life" in (client.job(job.id).waiting or "")
    assert client.cancel(job.id).state == "cancelled"
    wait_until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family))
    assert works_again(client)


@pytest.mark.slow
def test_a_worker_told_to_stop_cancels_its_job_and_keeps_the_queue(client: JobClient, store_root: Path) -> None:
    running = underway(client, client.submit(endless()))
    queued = client.submit(count())
    (worker,) = workers(store_root)
    os.kill(worker.pid, signal.SIGTERM)
    wait_until(lambda: not worker.alive)
    assert ended(client, running).state == "cancelled"
    assert client.job(queued.id).state == "queued"
    client.ensure_workers()
    assert ended(client, queued).state == "done"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_job_outlives_the_client_that_submitted_it(
    client: JobClient, store_root: Path, number: signal.Signals
) -> None:
    # The whole process group gets the signal, as it does from a terminal.
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(store_root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,
    ) as died:
        assert died.stdout is not None
        job_id = died.stdout.readline().decode().strip()
        running = underway(client, client.job(job_id))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(died.pid, number)
    assert died.returncode != 0
    assert client.job(job_id).state == "running"
    finished = ended(client, job_id)
    assert finished.state == "done"
    assert finished.record.worker == running.record.worker


@pytest.mark.slow
def test_the_death_of_a_client_while_it_starts_a_worker_leaves_the_job_queued_or_running(
    client: JobClient, store_root: Path
) -> None:
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(store_root)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as died:
            wait_until(lambda: any(job.state in ("queued", "running") for job in client.jobs()))
            died.kill()
    client.ensure_workers()
    assert [ended(client, job).state for job in client.jobs()] == ["done"]


@pytest.mark.slow
def test_progress_survives_a_pause_of_the_task(client: JobClient) -> None:
    job = underway(client, client.submit(count(30, 0.05)))
    runner = runner_of(job)
    wait_until(lambda: (client.job(job.id).progress or job.progress).done > 12)  # type: ignore[union-attr]
    runner.suspend()
    paused = client.job(job.id)
    assert paused.state == "running"
    runner.resume()
    assert ended(client, job).state == "done"
