"""Job folders that are damaged, or made by somebody who means harm: each is named, and the rest of the list stays."""

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from saetui.cli.headless import describe
from saetui.jobs import JobClient, JobError
from saetui.jobs.folder import JobFolder, Record
from saetui.jobs.identity import ProcessIdentity
from saetui.jobs.launch import WorkerFiles
from saetui.jobs.lease import Lease
from saetui.jobs.silence import kill_worker

from .harness import count, ended, wait_until

GOOD, BAD = "2026-good", "2026-bad"
VICTIM = "what is outside"


def known(job_id: str, **fields: Any) -> Record:
    values = {"kind": "count", "title": "count", "state": "queued", "device": "cpu", "host": "here"}
    return Record(**{"job_id": job_id, "content_hash": "hash", "created": time.time(), **values, **fields})


@pytest.fixture
def quiet(tmp_path: Path, toy_tasks: None, monkeypatch: pytest.MonkeyPatch) -> JobClient:
    """A client of a store with a good and a bad job, neither of which is run: workers end as they start."""
    monkeypatch.setattr("saetui.jobs.launch.python_module", lambda *_: ["/bin/sh", "-c", ":"])
    (tmp_path / "store" / "jobs").mkdir(parents=True)
    client = JobClient(tmp_path / "store")
    for job_id in (GOOD, BAD):
        JobFolder.create(client.jobs_root, known(job_id), {"schema": 1, "kind": "count"})
    return client


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file outside of the store, which has to stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    path = folder / "victim"
    path.write_text(VICTIM)
    before = path.stat()
    yield path
    assert path.read_text() == VICTIM
    assert (path.stat().st_mtime_ns, os.listdir(folder)) == (before.st_mtime_ns, ["victim"])


def deep(levels: int = 100_000) -> str:
    return "[" * levels + "]" * levels


def _each(names: Iterable[str], values: Iterable[Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name in names for value in values]


FIELDS: list[tuple[str, Any]] = [
    *_each(("job_id", "kind", "title", "state", "device", "host"), (3, None, [], {})),
    *_each(("created", "started", "ended"), ("soon", [], 1e300, -5, True)),
    *[("created", value) for value in (float("nan"), float("inf"), 10**400, None)],
    *[("after", value) for value in ("abc", 3, [3], ["../x"], [["a"]], {"a": 1}, ["a"] * 10_001)],
    *_each(("worker",), (3, [], {}, {"pid": "x"}, {"pid": 1e300, "started": "", "boot": "", "host": ""})),
    *[("worker", {"pid": pid, "started": "", "boot": "", "host": ""}) for pid in (-1, 0, float("nan"), 1 << 40, True)],
    ("worker", {"pid": 1, "started": [], "boot": "", "host": ""}),
    *_each(("message",), (3, [], {})),
    *[("retry_of", 3), ("mark", 3), ("sources", []), ("device", "cuda:1000"), ("device", "../../x"), ("host", "a/b")],
    *[("host", ".."), ("job_id", GOOD), ("job_id", "../../x"), ("colour", "red")],
]


@pytest.mark.parametrize(("name", "value"), FIELDS, ids=lambda value: str(value)[:20])
def test_a_state_with_a_strange_field_is_named(quiet: JobClient, name: str, value: Any) -> None:
    state = quiet.jobs_root / BAD / "state.json"
    state.write_text(json.dumps({**asdict(known(BAD)), name: value}))
    good, bad = sorted(quiet.jobs(), key=lambda job: job.id != GOOD)
    assert (good.id, good.state) == (GOOD, "queued")
    assert (bad.id, bad.state) == (BAD, "failed")
    assert f"{state}: not the state of a job of this saetui ({name}: " in (bad.message or "")
    assert len(bad.message or "") < 500
    look_at_everything(quiet)


def look_at_everything(client: JobClient) -> None:
    """All that the interface asks of a client, without being asked to."""
    client.ensure_workers()
    for job in client.jobs():
        assert client.job(job.id).id == job.id
        assert describe(job)
        assert isinstance(job.log_tail(5), list)
        _ = (job.created, job.started, job.ended, job.waiting, job.blocked, job.found_text)


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    make(path)


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def _unreadable(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0)


WAYS: dict[str, Callable[[Path], object]] = {
    "loop": _link_to_itself,
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "empty": Path.touch,
    "deep": lambda path: path.write_text(deep()),
    "deep object": lambda path: path.write_text('{"a":' * 100_000),
    "digits": lambda path: path.write_text("1" * 10_000),
    "binary": lambda path: path.write_bytes(bytes(range(256))),
    "large": lambda path: path.write_bytes(b" " * (17 << 20)),
    "gone": lambda path: None,
}


@pytest.mark.parametrize("name", ["state.json", "spec.json", "progress.jsonl", "log.txt", "out", "cancel", "lock", ""])
@pytest.mark.parametrize("way", WAYS)
def test_whatever_becomes_of_a_file_of_a_job_the_list_stays(quiet: JobClient, name: str, way: str) -> None:
    _replace(quiet.jobs_root / BAD / name, WAYS[way])
    look_at_everything(quiet)
    jobs = {job.id: job for job in quiet.jobs()}
    assert jobs[GOOD].state == "queued"
    if name == "state.json":
        assert jobs[BAD].state == "failed"
        assert str(quiet.jobs_root / BAD / "state.json") in (jobs[BAD].message or "")
    for act in (quiet.cancel, quiet.start, quiet.retry):
        if BAD in jobs:
            with contextlib.suppress(JobError):
                act(BAD)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["state.json", "progress.jsonl", "log.txt"])
def test_a_file_that_may_not_be_read_is_named(quiet: JobClient, name: str) -> None:
    _replace(quiet.jobs_root / BAD / name, _unreadable)
    look_at_everything(quiet)


@pytest.mark.parametrize("where", ["jobs", "jobs/2026-bad", "jobs/.workers", "jobs/.submit.lock"])
def test_links_in_place_of_folders_are_not_followed(quiet: JobClient, where: str, victim: Path) -> None:
    path = quiet.store_root / where
    if where.endswith((".workers", ".lock")):
        path.symlink_to(victim if where.endswith(".lock") else victim.parent)
        with pytest.raises(JobError, match="is a link"):
            quiet.submit(count())
        return
    elsewhere = quiet.store_root / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    if where == "jobs":
        with pytest.raises(JobError, match=r"jobs: is a link; a store keeps its files in its own folder"):
            quiet.jobs()
        with pytest.raises(JobError, match="is a link"):
            quiet.submit(count())
    else:
        jobs = {job.id: job for job in quiet.jobs()}
        assert (jobs[BAD].state, "is a link" in (jobs[BAD].message or "")) == ("failed", True)
        with pytest.raises(JobError, match="is a link"):
            quiet.cancel(BAD)
    assert sorted(elsewhere.rglob("*")) == before


def test_links_in_place_of_files_are_not_written_to(quiet: JobClient, victim: Path) -> None:
    folder = quiet.jobs_root / BAD
    for name in ("lock", "cancel", "cancel-now", "kept", "reserve", ".state.json.1.part"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(victim)
    with pytest.raises(JobError, match="lock: is a link"):
        quiet.cancel(BAD)
    (folder / "lock").unlink()
    assert quiet.cancel(BAD).state == "cancelled"
    assert not (folder / "reserve").is_symlink()


@pytest.mark.parametrize("name", ["device.lease", "log.txt", "heartbeat", "waiting", "leave"])
def test_links_in_the_folder_of_a_worker_are_not_written_to(client: JobClient, victim: Path, name: str) -> None:
    files = WorkerFiles(client.jobs_root, "cpu")
    client.jobs_root.mkdir()
    files.make()
    (files.path / name).symlink_to(victim)
    if name in ("device.lease", "log.txt"):
        with pytest.raises(JobError, match=f"{name}: "):
            client.submit(count())
        return
    assert ended(client, client.submit(count())).state == "done"
    client.release_workers()


@pytest.mark.parametrize(
    "note", ["[]", '{"worker": []}', '{"worker": {"pid": []}}', deep(), "1" * 9999, '{"user": [3]}']
)
def test_a_lease_with_a_strange_note_is_one_without(quiet: JobClient, note: str) -> None:
    files = WorkerFiles(quiet.jobs_root, "cpu")
    files.make()
    (files.path / "device.lease").write_text(note)
    lease = Lease(files.path / "device.lease", root=quiet.store_root)
    assert (lease.holder(), lease.said("user"), lease.is_free()) == (None, "?", True)
    look_at_everything(quiet)


@pytest.mark.slow
def test_a_process_that_is_no_worker_of_this_store_is_never_killed(quiet: JobClient) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        innocent = ProcessIdentity.of(process.pid)
        assert innocent is not None
        long_ago = time.time() - 1000
        folder = JobFolder.create(
            quiet.jobs_root, known("2026-forged", state="running", worker=innocent, started=long_ago), {"kind": "count"}
        )
        files = WorkerFiles(quiet.jobs_root, "cpu", "here")
        files.make()
        files.beat()
        os.utime(files.heartbeat, (long_ago, long_ago))
        assert "no sign of life" in (quiet.job(folder.job_id).waiting or "")
        cancelled = quiet.cancel(folder.job_id)
        assert (cancelled.state, cancelled.message) == ("cancelled", "its worker showed no sign of life any more")
        time.sleep(0.1)
        assert process.poll() is None
        process.kill()


def test_only_a_worker_of_this_store_is_killed(client: JobClient, tmp_path: Path) -> None:
    worker = ended(client, client.submit(count())).record.worker
    assert worker is not None
    (runner,) = map(ProcessIdentity.of, (process.pid for process in psutil.Process(worker.pid).children()))
    assert runner is not None
    assert not kill_worker(worker, tmp_path / "other")
    assert not kill_worker(replace(worker, started="ticks 1"), client.store_root)
    assert not kill_worker(replace(worker, boot="another", host="another"), client.store_root)
    assert worker.alive
    assert kill_worker(worker, client.store_root)
    wait_until(lambda: not worker.alive and not runner.alive)


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "is on a read-only disk"), (errno.EACCES, "this user may not")],
)
def test_what_a_disk_refuses_is_said_in_a_sentence(
    quiet: JobClient, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    failed = JobFolder.create(quiet.jobs_root, known("2026-failed", state="failed", ended=1.0), {"kind": "count"})

    def refuse(path: Path, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(number, os.strerror(number), str(path))
        return os.open(path, flags)

    for module in ("files", "folder", "lease", "launch"):
        monkeypatch.setattr(f"saetui.jobs.{module}.open_plain", refuse)
    acts: list[tuple[str, Callable[[], object]]] = [
        ("the job cannot be queued", lambda: quiet.submit(count())),
        ("the job cannot be queued", lambda: quiet.retry(failed.job_id)),
        ("the job cannot be cancelled", lambda: quiet.cancel(GOOD)),
        ("the job cannot move", lambda: quiet.move(GOOD, "cpu")),
        ("the job cannot be started", lambda: quiet.start(GOOD)),
    ]
    for what, act in acts:
        with pytest.raises(JobError) as error:
            act()
        assert what in str(error.value)
        assert reason in str(error.value)
        assert str(quiet.jobs_root) in str(error.value)
    assert [job.state for job in quiet.jobs()] == ["queued", "failed", "queued"]


def test_a_store_that_was_moved_away_is_said_in_a_sentence(quiet: JobClient, tmp_path: Path) -> None:
    assert len(quiet.jobs()) == 2
    quiet.store_root.rename(tmp_path / "moved")
    assert quiet.jobs() == []
    quiet.ensure_workers()
    quiet.release_workers()
    with pytest.raises(JobError, match="there is no such store"):
        quiet.submit(count())
    for act in (quiet.cancel, quiet.retry, quiet.start, quiet.job):
        with pytest.raises(JobError, match=r"there is no job|cannot be queued"):
            act(GOOD)


def test_what_dead_processes_left_of_new_jobs_is_swept(client: JobClient, victim: Path) -> None:
    client.jobs_root.mkdir()
    left = client.jobs_root / ".20260101-000000-000000-0000.part"
    (left / "out").mkdir(parents=True)
    (left / "out" / "link").symlink_to(victim.parent)
    (client.jobs_root / ".20260101-000000-000000-0001.part").symlink_to(victim.parent)
    job = client.submit(count())
    (job.folder.path / ".state.json.0badcafe.part").write_text("half")
    ended(client, job)
    assert not list(client.jobs_root.rglob("*.part"))
