"""What disks, damaged folders and other programs do while the interface is open: it says so, stays, and goes on."""

import errno
import json
import os
import shutil
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from saetui.jobs import JobClient
from saetui.jobs.folder import State
from saetui.tui.app import WorkbenchApp
from saetui.workbench.trouble import Troubles
from store import Store
from tests.tui.jobs.test_jobs import Queue

from .running import Running, running


@pytest.fixture
def queue(study: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)
    (study / "jobs").mkdir(exist_ok=True)
    return Queue(study)


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every notice; those on screen go after some seconds."""
    notices: list[str] = []
    say = WorkbenchApp.say

    def keeping(app: WorkbenchApp, text: str, severity: str = "information") -> None:
        notices.append(text)
        say(app, text, severity)

    monkeypatch.setattr(WorkbenchApp, "say", keeping)
    return notices


async def hears(run: Running, said: list[str], *words: str) -> None:
    """Wait for a notice with all of these words."""
    await run.until(lambda: any(all(word in text for word in words) for text in said))


async def answers_keys(run: Running) -> None:
    """It is still there, and does what keys say."""
    other, name = ("2", "letters") if run.bench.screen == "jobs" else ("7", "jobs")
    for key, screen in ((other, name), ("7", "jobs")):
        await run.press(key)
        await run.until(lambda screen=screen: screen == run.app.front_screen.NAME)


async def give(run: Running, line: str) -> None:
    await run.press("colon")
    await run.type(line)
    await run.press("enter")


def refuse(number: int, path: str = "/somewhere/x") -> Callable[..., None]:
    def refusing(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), path)

    return refusing


@pytest.mark.slow
async def test_a_user_that_does_not_exist_is_said(study: Path, said: list[str]) -> None:
    async with running(study, record=False) as run:
        for line in ("run ~nouser/", "run ~nouser/spec.toml", "export ~nouser/x.csv"):
            said.clear()
            await give(run, line)
            await hears(run, said, "there is no user 'nouser'")
        await answers_keys(run)


def make_spec(path: Path, kind: str) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "list":
            path.write_text('{"kind": ["train"]}')
        case "deep":
            path.write_text('{"a":' * 5000 + "1" + "}" * 5000)
        case "binary":
            path.write_bytes(bytes(range(256)))


@pytest.mark.slow
async def test_what_is_not_a_spec_is_named(study: Path, tmp_path: Path, said: list[str]) -> None:
    async with running(study, record=False) as run:
        for kind in ("pipe", "device", "folder", "list", "deep", "binary", "missing"):
            path = tmp_path / f"{kind}.json"
            make_spec(path, kind)
            await give(run, f"run {path}")
            await hears(run, said, str(path))
        await answers_keys(run)
        assert not run.bench.jobs


@pytest.mark.slow
@pytest.mark.parametrize(("doing", "number"), [("retry", errno.ENOSPC), ("cancel", errno.EROFS)])
async def test_a_disk_that_takes_nothing_is_said(
    study: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch, said: list[str], doing: str, number: int
) -> None:
    queue.add("failed" if doing == "retry" else "queued", "Letters of w64-k4")
    async with running(study, record=False) as run:
        await run.press("7")
        await run.shows("Letters of w64-k4")
        monkeypatch.setattr(JobClient, doing, refuse(number, "/store/jobs/x"))
        await run.press(*(["r"] if doing == "retry" else ["x", "y"]))
        await hears(run, said, "/store/jobs/x: ")
        await answers_keys(run)


@pytest.mark.slow
async def test_what_cannot_be_written_is_said(study: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    full = refuse(errno.ENOSPC, "/store/saetui.duckdb")
    async with running(study, record=False) as run:
        await run.until(lambda: run.bench.row is not None)
        monkeypatch.setattr(Store, "write", full)
        monkeypatch.setattr(Store, "write_many", full)
        monkeypatch.setattr(JobClient, "submit", full)
        monkeypatch.setattr("saetui.workbench.export.export", full)
        for line in ("note a word", "mark", "study letters", "export saes.csv"):
            said.clear()
            run.app.dispatch(line)
            if line == "study letters":
                await run.shows("Make the study letters")
                await run.press("y")
            await hears(run, said, "/store/saetui.duckdb: the disk is full")
        await answers_keys(run)


@pytest.mark.slow
async def test_a_recording_on_a_full_disk_stops_and_says_so_once(
    study: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    async with running(study) as run:
        monkeypatch.setattr("saetui.commands.session.Recorder.record", refuse(errno.ENOSPC, "/store/sessions/x"))
        for screen in ("jobs", "overview", "jobs"):
            run.app.dispatch(f"screen {screen}")
        await hears(run, said, "recording has stopped", "/store/sessions/x: the disk is full")
        await run.until(lambda: run.bench.recorder is None)
        await answers_keys(run)
        assert sum("recording" in text for text in said) == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
async def test_a_queued_job_in_a_store_that_may_only_be_read(
    study: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch, said: list[str], number: int
) -> None:
    queue.add("queued", "Letters of w64-k4")
    monkeypatch.setattr(JobClient, "ensure_workers", refuse(number, "/store/jobs/.workers"))
    monkeypatch.setattr("saetui.workbench.workbench._LOOK_SECONDS", 0.05)
    async with running(study, record=False) as run:
        await run.shows("no worker can be started")
        await run.pilot.pause(0.8)
        # Said once, and in the status line as long as it lasts.
        assert sum("no worker" in text for text in said) == 1
        await answers_keys(run)
        assert run.bench.troubles.lasting == "no worker can be started"
        monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)
        await run.until(lambda: not run.bench.troubles.lasting)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["moved", "loop", "file"])
async def test_a_part_of_the_store_is_gone_and_comes_back(
    study: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("saetui.workbench.workbench._LOOK_SECONDS", 0.05)
    queue.add("queued", "Letters of w64-k4")
    queue.add("done", "Train w9", started=time.time() - 9, ended=time.time())
    async with running(study, record=False) as run:
        await run.press("7")
        await run.shows("Letters of w64-k4")
        for part in ("spool", "jobs", "tensors", "saetui.duckdb", "jobs/20261120-000001", ""):
            target, aside = study / part, study.with_name("aside")
            target.rename(aside)
            if how == "loop":
                target.symlink_to(target)
            elif how == "file":
                target.write_text("")
            await run.pilot.pause(0.5)
            for screen in ("letters", "absorption", "hard_tokens", "pursuit", "overview"):
                run.app.dispatch(f"screen {screen}")
                await run.until(lambda screen=screen: screen == run.app.front_screen.NAME)
            run.app.dispatch("filter w64")
            run.app.dispatch("filter")
            await answers_keys(run)
            if how != "moved":
                target.unlink()
            aside.rename(target)
            await run.until(lambda: not run.bench.troubles.lasting)
            await run.until(lambda: len(run.bench.jobs) == 2)
        queue.add("queued", "One more")
        await run.shows("One more")


_FIELDS = ("created", "started", "ended", "title", "device", "message", "after", "worker")
_RUBBISH = [float("nan"), 1e300, -1e300, float("inf"), "soon", None, [], {}, True]


@pytest.mark.slow
async def test_a_damaged_job_leaves_the_list_of_the_others(study: Path, queue: Queue) -> None:
    queue.add("queued", "Letters of w64-k4")
    states: tuple[State, ...] = ("running", "done", "queued")
    for index, (field, value) in enumerate(product(_FIELDS, _RUBBISH)):
        folder = queue.add(states[index % 3], "Damaged", started=time.time(), ended=time.time())
        record = json.loads(folder.state.read_text())
        folder.state.write_text(json.dumps({**record, field: value}))
    async with running(study, record=False) as run:
        await run.press("7")
        await run.until(lambda: run.bench.jobs)
        for job in run.bench.jobs:
            run.app.dispatch(f"job {job.id}")
            await run.pilot.pause()
        whole = next(job for job in run.bench.jobs if job.title == "Letters of w64-k4")
        run.app.dispatch(f"job {whole.id}")
        await run.shows("Letters of w64-k4", "latents_per_letter 20")
        await answers_keys(run)
        assert len(run.bench.jobs) == 1 + len(_FIELDS) * len(_RUBBISH)


@pytest.mark.slow
async def test_rubbish_in_progress_and_spec_is_shown_as_far_as_it_goes(study: Path, queue: Queue) -> None:
    folder = queue.add("running", "Letters of w64-k4", started=time.time())
    folder.spec.write_text("[" * 5000 + "]" * 5000)
    folder.log.write_bytes(b"\xff\xfe\x1b[2J\x1b]0;title\x07 \xe2\x80\xae done\n" * 50)
    lines = ["{", "[]", "null", '{"plan": {"probes": NaN}}', "\x1b[2J", "{}" * 1000]
    for value in ("NaN", "1e300", "-1e300", "Infinity", '"x"', "null", "[]", "{}"):
        for name in ("done", "total", "clock", "phase", "unit", "metrics"):
            record = {
                "t": 0,
                "clock": 1,
                "phase": '"probes"',
                "done": 2,
                "total": 9,
                "unit": '"words"',
                "metrics": "{}",
            }
            lines.append("{" + ", ".join(f'"{key}": {v}' for key, v in {**record, name: value}.items()) + "}")
    async with running(study, record=False) as run:
        await run.press("7")
        for line in lines:
            with folder.progress.open("a") as file:
                file.write(line + "\n")
            run.bench.poll()
            await run.pilot.pause()
        await run.shows("Letters of w64-k4")
        await answers_keys(run)
        assert not any(character in run.text for character in "\x1b\x07\u202e")


def test_a_trouble_is_said_once_until_it_is_another_one() -> None:
    said: list[str] = []
    troubles = Troubles(said.append)
    for path in ("/a", "/a", "/b", "/b"):
        with troubles.watched("no jobs"):
            refuse(errno.EIO, path)()
    assert len(said) == 2
    assert said[0].startswith("no jobs: /a: ")
    assert troubles.lasting == "no jobs"
    with troubles.watched("no jobs"):
        pass
    assert not troubles.lasting


def test_a_bug_is_not_reported_as_a_trouble() -> None:
    troubles = Troubles(print)
    with pytest.raises(AssertionError), troubles.watched("no jobs"):
        raise AssertionError


@pytest.mark.slow
@pytest.mark.parametrize("part", ["spool", "jobs", "tensors"])
async def test_a_part_of_the_store_is_deleted(study: Path, queue: Queue, part: str) -> None:
    queue.add("queued", "Letters of w64-k4")
    async with running(study, record=False) as run:
        shutil.rmtree(study / part, ignore_errors=True)
        await run.pilot.pause(0.5)
        await answers_keys(run)
