"""Two stores and one GPU: workers of both are real, the GPU is made up."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from saetui.jobs import JobClient

from .harness import count, end_workers, ended, endless, underway, wait_until, workers

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
    roots = tmp_path / "mine", tmp_path / "yours"
    for root in roots:
        root.mkdir()
    yield JobClient(roots[0], idle_s=30, grace_s=0.5), JobClient(roots[1], idle_s=30, grace_s=0.5)
    for root in roots:
        end_workers(root)
    sys.modules.pop("pynvml", None)


def test_a_job_goes_to_the_gpu_and_sees_only_that_one(two_stores: tuple[JobClient, JobClient]) -> None:
    mine, _ = two_stores
    job = ended(mine, mine.submit(count(1)))
    assert job.device == "cuda:0"
    assert (job.folder.out / "counted.txt").read_text() == "1 cuda:0 'GPU-made-up'"


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
