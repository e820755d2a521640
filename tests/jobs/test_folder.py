"""Job folders: states change once, whole, and also on a full disk."""

import errno
import json
import os
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from saetui.jobs import Job, JobError
from saetui.jobs import folder as folder_module
from saetui.jobs.failure import Failure
from saetui.jobs.files import locked, read_json, tail, write_json
from saetui.jobs.folder import JobFolder, Record, job_ids
from saetui.jobs.identity import ProcessIdentity
from saetui.jobs.queue import Queue

ME = ProcessIdentity.current()


def record(job_id: str = "20260101-000000-000000-0000", **fields: object) -> Record:
    known = Record(job_id, "count", "count", "queued", "cpu", ME.host, "hash", time.time())
    return replace(known, **fields)  # type: ignore[arg-type]


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder.create(tmp_path, record(), {"schema": 1, "kind": "count"})


def test_a_new_job_is_complete_at_once(job: JobFolder, tmp_path: Path) -> None:
    assert job.read() == record(created=job.read().created)
    assert job.read_spec() == {"schema": 1, "kind": "count"}
    assert job.out.is_dir()
    assert job_ids(tmp_path) == [job.job_id]
    assert [path.name for path in tmp_path.iterdir()] == [job.job_id]


def test_only_one_of_many_claims_a_job(job: JobFolder) -> None:
    claims: list[Record | None] = []
    barrier = threading.Barrier(8)

    def claim() -> None:
        barrier.wait()
        claims.append(JobFolder(job.path).start(ME, "cpu"))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(claim is not None for claim in claims) == 1


def test_a_cancelled_job_cannot_be_claimed_nor_a_running_one_withdrawn(job: JobFolder) -> None:
    assert job.start(ME, "cuda:0") is None, "it is queued for another device"
    assert job.end("cancelled", only_from=("queued",)).state == "cancelled"
    assert job.start(ME, "cpu") is None


def test_a_worker_ends_only_its_own_jobs(job: JobFolder) -> None:
    job.start(ME, "cpu")
    other = replace(ME, started="ticks 1")
    assert job.end("failed", "not mine", worker=other).state == "running"
    assert job.end("done", worker=ME).state == "done"
    assert job.end("failed", "too late", worker=ME).state == "done"


@pytest.mark.parametrize(("asked", "state"), [(True, "cancelled"), (False, "failed")])
def test_a_request_to_stop_counts_until_the_end_is_written(
    job: JobFolder, monkeypatch: pytest.MonkeyPatch, asked: bool, state: str
) -> None:
    me = ProcessIdentity.current()
    job.start(me, "cpu")
    taken = locked

    def asking(path: Path) -> AbstractContextManager[None]:
        if asked:
            job.ask_cancel()
        return taken(path)

    monkeypatch.setattr(folder_module, "locked", asking)
    ended = job.end_dead("stopped by force", Failure("killed", "retry"), worker=me)
    assert (ended.state, ended.message) == (state, "stopped by force" if asked else "killed")


def test_a_full_disk_still_takes_the_end_of_a_job(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    job.start(ME, "cpu")
    reserve = job.path / "reserve"
    assert reserve.stat().st_size > 10_000

    def full(path: Path, data: dict[str, object]) -> None:
        if reserve.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        write_json(path, data)

    monkeypatch.setattr(folder_module, "write_json", full)
    assert job.end("failed", "disk full", worker=ME).state == "failed"
    assert job.read().message == "disk full"


def test_a_failed_write_leaves_the_old_state(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        job.start(ME, "cpu")
    assert job.read().state == "queued"
    assert not list(job.path.glob(".*.part"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ("[]", "expected a JSON object"),
        ('{"state": "queued"}', "not the state of a job"),
        (json.dumps({**asdict(record()), "colour": "red"}), "colour"),
        (json.dumps({**asdict(record()), "state": "dreaming"}), "state: 'dreaming' is not one of queued, running"),
    ],
)
def test_a_damaged_state_is_named(job: JobFolder, content: str, message: str) -> None:
    job.state.write_text(content)
    with pytest.raises(JobError, match=message) as error:
        job.read()
    assert str(job.state) in str(error.value)


def test_a_folder_cannot_be_made_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        JobFolder.create(tmp_path / "file", record(), {})


def test_the_queue_reads_again_only_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [JobFolder.create(tmp_path, record(f"2026-{i:04d}"), {}, marked=True) for i in range(20)]
    for folder in folders[:10]:
        folder.start(ME, "cpu")
        folder.end("done", worker=ME)
    queue = Queue(tmp_path)
    reads: list[Path] = []
    monkeypatch.setattr(folder_module, "read_json", lambda path, *most: (reads.append(path), read_json(path, *most))[1])
    assert len(queue.entries()) == 20
    assert len(reads) == 20
    reads.clear()
    assert queue.next_job("cpu") == queue.entries()[folders[10].job_id]
    assert reads == []
    folders[10].start(ME, "cpu")
    reads.clear()
    following = queue.next_job("cpu")
    assert following is not None
    assert following.folder.job_id == folders[11].job_id
    assert reads == [folders[10].state]
    assert queue.next_job("cuda:0") is None


def test_jobs_of_another_machine_are_left_to_it(tmp_path: Path) -> None:
    elsewhere = replace(ME, host="elsewhere", boot="another", pid=1)
    JobFolder.create(tmp_path, record("a", host="elsewhere"), {})
    JobFolder.create(tmp_path, record("b", host="elsewhere", state="running", worker=elsewhere), {})
    queue = Queue(tmp_path)
    assert queue.next_job("cpu") is None
    assert [entry.record.state for entry in queue.entries().values()] == ["queued", "running"]


def test_a_store_that_may_only_be_read_can_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = replace(ME, started="ticks 1")
    JobFolder.create(tmp_path, record("a", state="running", worker=dead), {})

    def refused(*_: object, **__: object) -> Record:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "change", refused)
        assert Queue(tmp_path).entries()["a"].record.state == "running"
    assert Queue(tmp_path).entries()["a"].record.state == "failed"


def test_a_tail_has_the_last_form_of_a_progress_bar(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert tail(log, 3) == []
    log.write_bytes(b"first\n\n10%\r50%\r100%\nlast \xff\n")
    assert tail(log, 2) == ["100%", "last \ufffd"]
    assert tail(log, 0) == []
    log.write_bytes(b"x" * 100_000 + b"\nend\n")
    assert tail(log, 1) == ["end"]


def test_a_spec_that_is_too_large_is_named(job: JobFolder) -> None:
    job.spec.write_bytes(b" " * (17 << 20))
    with pytest.raises(JobError, match=r"spec.json: larger than 16,777,216 bytes"):
        _ = Job(job, job.read(), None).spec
