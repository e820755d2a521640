"""Screen 7 and the first line on boxes with many GPUs, some of them in trouble; and a job that moves between them."""

import platform
import time
from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest

from saetui.jobs import JobClient
from saetui.jobs.folder import JobFolder, Record
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.jobs.launch import WorkerFiles
from saetui.jobs.torch_check import TorchAnswer
from saetui.tui.jobs.list import JobList
from tests.jobs.made_up_gpus import GIB, MadeUpGpu, made_up_gpus
from tests.tui.frame.running import Running, running

LOST = {"UUID": pynvml.NVML_ERROR_GPU_IS_LOST}


@pytest.fixture(autouse=True)
def eight_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr("saetui.tui.app._DEVICE_DELAY", 0.01)
    monkeypatch.setattr("saetui.jobs.torch_check.ask_torch", lambda uuid: TorchAnswer("2.13.0", "12.9"))
    monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)
    monkeypatch.setenv("SAETUI_LEASES", str(tmp_path / "leases"))
    gpus = [MadeUpGpu(f"GPU-{n}aaaaaaa", busy=90 if n < 3 else 0, used=(10 + n) * GIB) for n in range(7)]
    with made_up_gpus(*gpus, MadeUpGpu("GPU-lost", errors=LOST)):
        yield


def queued(study: Path) -> JobFolder:
    (study / "jobs").mkdir(exist_ok=True)
    now, host = time.time(), platform.node()
    record = Record("20261120-000001", "letters", "Letters of w64", "queued", "GPU-2aaaaaaa", host, "x", now)
    spec = LettersSpec(hook_name="blocks.1.hook_resid_post", saes=("w64-k4",))
    return JobFolder.create(study / "jobs", record, spec.document(), marked=True)


async def on_jobs(run: Running) -> None:
    await run.press("7")
    await run.until(lambda: run.app.screen.query(JobList) and run.app.devices)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_every_device_and_what_is_wrong_is_seen(study: Path, size: tuple[int, int]) -> None:
    queued(study)
    async with running(study, size=size) as run:
        await on_jobs(run)
        await run.shows("cpu", "cuda:0", "cuda:6", "16/80G", "cuda:7: GPU is lost")


async def test_the_first_line_counts_gpus_that_it_has_no_room_for(study: Path) -> None:
    async with running(study, size=(140, 40)) as run:
        await run.until(lambda: run.app.devices)
        await run.shows("3 of 8 gpus busy  1 !  cpu ")


async def test_a_waiting_job_moves_to_another_gpu(study: Path) -> None:
    folder = queued(study)
    async with running(study) as run:
        await on_jobs(run)
        await run.until(lambda: run.bench.jobs)
        await run.shows("cuda:2")
        await run.press("H")
        await run.shows("run Letters of w64 on", "gpu6 0% 16.0G")
        assert "cuda:7" not in run.text.split("cuda:7: GPU is lost")[0], "what is lost is not offered"
        await run.type("cuda:6")
        await run.press("enter")
        await run.until(lambda: folder.read().device == "GPU-6aaaaaaa")
        await run.shows("Letters of w64 waits for cuda:6")


async def test_new_jobs_go_to_the_device_that_was_chosen(study: Path) -> None:
    async with running(study) as run:
        run.app.dispatch("device cuda:5")
        await run.shows("jobs go to cuda:5 from now on")
        assert run.bench.client.chosen_device == "GPU-5aaaaaaa"
        run.app.dispatch("device cuda:7")
        await run.shows("cuda:7 cannot be used: GPU is lost")
        assert run.bench.client.chosen_device == "GPU-5aaaaaaa"
        run.app.dispatch("device")
        await run.until(lambda: run.bench.client.chosen_device is None)


async def test_idle_workers_are_asked_to_give_back_their_memory(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[bool] = []
    monkeypatch.setattr(JobClient, "release_workers", lambda self: released.append(True))
    async with running(study) as run:
        await on_jobs(run)
        await run.press("f")
        await run.until(lambda: released == [True])
        await run.shows("workers end once they have no work")


async def test_what_workers_keep_of_gpus_is_seen_and_how_to_free_it(study: Path) -> None:
    """Only of a worker that is alive; what a dead one has left behind is gone with it."""
    alive, dead = (WorkerFiles(study / "jobs", f"GPU-{n}aaaaaaa") for n in (2, 4))
    for files, held in ((alive, 9 * GIB), (dead, 5 * GIB)):
        files.make()
        files.say_held(held)
    assert alive.lease.acquire({})
    try:
        async with running(study, size=(120, 40)) as run:
            await on_jobs(run)
            await run.shows("held by saetui: 9.0 GiB on cuda:2; f frees it")
    finally:
        alive.lease.release()
