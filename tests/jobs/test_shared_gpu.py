"""Two stores and one GPU: workers of both are real, the GPU is made up."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from saetui.jobs import JobClient, JobError
from saetui.jobs.devices import forget_devices
from saetui.jobs.launch import WorkerFiles, start_worker
from saetui.jobs.run import follow, wait_for
from saetui.jobs.torch_check import TorchAnswer

from .harness import count, end_workers, ended, endless, trouble, underway, wait_until, workers
from .test_torch_check import build

ONE_GPU = Path(__file__).parent / "one_gpu"


@pytest.fixture
def two_stores(
    tmp_path: Path, toy_tasks: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[JobClient, JobClient]]:
    monkeypatch.setenv("PYTHONPATH", f"{ONE_GPU}{os.pathsep}{os.environ['PYTHONPATH']}")
    monkeypatch.syspath_prepend(str(ONE_GPU))
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("SAETUI_LEASES", str(tmp_path / "leases"))
    monkeypatch.setattr("saetui.jobs.torch_check.ask_torch", lambda uuid: TorchAnswer("2.13.0", "12.9"))
    forget_devices()
    roots = tmp_path / "mine", tmp_path / "yours"
    for root in roots:
        root.mkdir()
    yield JobClient(roots[0], idle_s=30, grace_s=0.5), JobClient(roots[1], idle_s=30, grace_s=0.5)
    for root in roots:
        end_workers(root)
    sys.modules.pop("pynvml", None)
    forget_devices()


def test_a_job_goes_to_the_gpu_and_sees_only_that_one(two_stores: tuple[JobClient, JobClient]) -> None:
    mine, _ = two_stores
    job = ended(mine, mine.submit(count(1)))
    assert (job.device, job.record.device) == ("cuda:0", "GPU-made-up")
    assert (job.folder.out / "counted.txt").read_text() == "1 cuda:0 'GPU-made-up'"


def test_a_job_whose_gpu_is_lost_before_its_worker_starts_runs_on_what_is_left(
    two_stores: tuple[JobClient, JobClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, _ = two_stores

    def start(root: Path, device: str, **settings: float) -> "subprocess.Popen[bytes]":
        if device == "cpu":
            return start_worker(root, device, **settings)
        WorkerFiles(mine.jobs_root, device).log.parent.mkdir(parents=True, exist_ok=True)
        WorkerFiles(mine.jobs_root, device).log.write_text("GPU is lost")
        return subprocess.Popen(["/bin/sh", "-c", "exit 3"])

    monkeypatch.setattr("saetui.jobs.workforce.start_worker", start)
    monkeypatch.setattr("saetui.jobs.workforce._FAILED_STARTS", 1)
    first = mine.submit(count(1))
    then = mine.submit(count(2), after=[first.id])
    job = wait_for(follow(mine, first.id))
    assert job.state == "done"
    assert job.record.device == "cpu"
    assert job.record.remark == "the worker for cuda:0 does not start: GPU is lost; it runs on cpu"
    assert wait_for(follow(mine, then.id)).state == "done"


@pytest.mark.slow
def test_another_store_waits_for_the_gpu_and_says_for_whom(two_stores: tuple[JobClient, JobClient]) -> None:
    mine, yours = two_stores
    first = underway(mine, mine.submit(endless()))
    second = yours.submit(count())
    wait_until(lambda: yours.job(second.id).waiting)
    waiting = yours.job(second.id).waiting or ""
    assert waiting.startswith("cuda:0 is in use by ")
    assert str(mine.store_root) in waiting
    assert yours.job(second.id).state == "queued"
    mine.cancel(first.id)
    ended(mine, first)
    # My worker is warm, but idle, so it makes room; nobody has to ask for that.
    done = ended(yours, second)
    assert (done.state, done.waiting) == ("done", None)
    wait_until(lambda: not workers(mine.store_root))


@pytest.mark.slow
def test_a_device_of_its_own_does_not_wait(two_stores: tuple[JobClient, JobClient]) -> None:
    mine, yours = two_stores
    first = underway(mine, mine.submit(endless()))
    on_cpu = yours.submit(count(), device="cpu")
    assert ended(yours, on_cpu).state == "done"
    also_mine = mine.submit(count(), device="cpu")
    assert ended(mine, also_mine).state == "done", "each device has a worker of its own"
    assert mine.job(first.id).state == "running"


def test_two_terminals_that_see_different_gpus_use_both(
    two_stores: tuple[JobClient, JobClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, _ = two_stores
    monkeypatch.setenv("MADE_UP_GPUS", "2")
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    seen = {}
    for visible, uuid in (("0", "GPU-made-up"), ("1", "GPU-second")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        forget_devices()
        job = ended(mine, mine.submit(count(int(visible) + 1), device="cuda:0"))
        assert (job.device, job.record.device) == ("cuda:0", uuid)
        seen[uuid] = (job.folder.out / "counted.txt").read_text()
    assert len(workers(mine.store_root)) == 2
    assert seen == {"GPU-made-up": "1 cuda:0 'GPU-made-up'", "GPU-second": "2 cuda:0 'GPU-second'"}
    # What one terminal calls cuda:0 is another GPU than that of the other.
    names = {job.record.device: job.device for job in mine.jobs()}
    assert names == {"GPU-made-up": "GPU-made-up"[:12], "GPU-second": "cuda:0"}
    # A job that the first terminal has queued runs there, although it is the second that starts the worker.
    end_workers(mine.store_root)
    job = ended(mine, mine.submit(count(9), device="GPU-made-up"))
    assert (job.folder.out / "counted.txt").read_text() == "9 cuda:0 'GPU-made-up'"


def test_a_record_with_a_number_of_before_still_runs(two_stores: tuple[JobClient, JobClient]) -> None:
    mine, _ = two_stores
    held = mine.submit(count(3), device="cpu", after=[underway(mine, mine.submit(endless(), device="cpu"))])
    held.folder.change(lambda record: replace(record, device="cuda:0", after=()))
    mine.ensure_workers()
    job = ended(mine, held)
    assert (job.state, job.device) == ("done", "cuda:0")
    assert (job.folder.out / "counted.txt").read_text() == "3 cuda:0 'GPU-made-up'"


def test_a_gpu_that_torch_cannot_use_leaves_the_job_to_the_cpu_and_it_says_so(
    two_stores: tuple[JobClient, JobClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, _ = two_stores
    answer = TorchAnswer("2.13.0+cpu", None, "torch 2.13.0+cpu is a build for CPUs; install one for CUDA")
    monkeypatch.setattr("saetui.jobs.torch_check.ask_torch", lambda uuid: answer)
    first = mine.submit(count(4))
    assert (first.device, first.record.remark) == ("cpu", f"{answer.trouble}; it runs on the CPU")
    after = mine.submit(count(5), after=[first])
    assert (after.device, after.record.remark) == ("cpu", first.record.remark)
    assert ended(mine, after).state == "done"
    with pytest.raises(JobError, match=r"device: cuda:0 cannot be used: torch 2\.13\.0\+cpu is a build for CPUs"):
        mine.submit(count(6), device="cuda:0")
    assert mine.submit(count(7), device="cpu").record.remark is None


@pytest.mark.parametrize(("gpus", "left", "key"), [("2", "cuda:1", "GPU-second"), ("1", "cpu", "")])
def test_a_job_whose_gpu_fails_is_tried_once_on_what_is_left_and_what_waits_goes_on(
    two_stores: tuple[JobClient, JobClient],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gpus: str,
    left: str,
    key: str,
) -> None:
    mine, _ = two_stores
    # The worker asks torch whether it can use the other GPU.
    (tmp_path / "torch.py").write_text(build())
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    monkeypatch.setenv("MADE_UP_GPUS", gpus)
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    forget_devices()
    first = mine.submit(trouble("broken gpu"), device="cuda:0")
    waits = mine.submit(count(2), after=[first], device="cpu")
    assert ended(mine, first).message == "GPU error: CUDA error: uncorrectable ECC error encountered"
    assert ended(mine, waits).state == "done"
    second = next(job for job in mine.jobs() if job.record.retry_of == first.id)
    assert (second.state, second.device) == ("done", left)
    assert (second.folder.out / "done.txt").read_text() == key
    assert (second.record.remark or "").startswith("cuda:0 failed (GPU error: CUDA error: uncorrectable ECC error")
    assert f"it is tried again on {left}" in (second.record.remark or "")
    assert len(mine.jobs()) == 3


def test_a_job_that_fails_on_two_devices_is_not_tried_a_third_time(two_stores: tuple[JobClient, JobClient]) -> None:
    mine, _ = two_stores
    ended(mine, mine.submit(trouble("broken everywhere"), device="cuda:0"))
    wait_until(lambda: len(mine.jobs()) == 2 and all(job.has_ended for job in mine.jobs()))
    time.sleep(1)
    assert [(job.state, job.device) for job in mine.jobs()] == [("failed", "cuda:0"), ("failed", "cpu")]
