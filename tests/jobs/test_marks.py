"""Only what its user has queued starts by itself."""

import json
import os
import stat
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from saetui.jobs import Job, JobClient, JobError
from saetui.jobs.folder import JobFolder, Record
from saetui.jobs.marks import is_marked, make_mark, secret_path

from .harness import count, ended, wait_until, workers


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a secret."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "saetui"


def strange(client: JobClient, monkeypatch: pytest.MonkeyPatch, **fields: object) -> Job:
    """A queued job as it comes with a store from somebody else."""
    with monkeypatch.context() as patch:
        patch.setattr(JobClient, "ensure_workers", lambda _: None)
        job = client.submit(count(1, label="strange"))
    job.folder.change(lambda record: replace(record, mark="0" * 64))
    data = json.loads(job.folder.state.read_text()) | fields
    job.folder.state.write_text(json.dumps(data))
    return client.job(job.id)


def test_the_secret_is_made_once_and_is_for_its_user_alone(state: Path) -> None:
    marks: list[str] = []
    barrier = threading.Barrier(8)

    def mark() -> None:
        barrier.wait()
        marks.append(make_mark("job", b"{}"))

    threads = [threading.Thread(target=mark) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(marks)) == 1
    assert secret_path() == state / "secret"
    assert stat.S_IMODE(secret_path().stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == ["secret"]
    assert is_marked(marks[0], "job", b"{}")
    assert not is_marked(marks[0], "job", b"{ }")
    assert not is_marked(marks[0], "other", b"{}")
    assert not is_marked("é", "job", b"{}")
    assert not is_marked(None, "job", b"{}")


def test_without_a_secret_nothing_is_marked_and_looking_makes_none(state: Path) -> None:
    assert not is_marked("0" * 64, "job", b"{}")
    assert not state.exists()


def test_a_secret_that_is_a_link_or_damaged_is_refused(state: Path, tmp_path: Path) -> None:
    state.mkdir(parents=True)
    (tmp_path / "known").write_bytes(b"0" * 32)
    secret_path().symlink_to(tmp_path / "known")
    with pytest.raises(JobError, match=r"secret: the secret that marks your jobs cannot be read .*XDG_STATE_HOME"):
        is_marked("0", "job", b"{}")
    secret_path().unlink()
    secret_path().write_bytes(b"short")
    with pytest.raises(JobError, match="not the secret that saetui made; remove it"):
        make_mark("job", b"{}")


def test_a_job_that_cannot_be_marked_is_not_queued(client: JobClient, state: Path) -> None:
    state.parent.mkdir()
    state.write_text("in the way")
    with pytest.raises(JobError, match=r"the secret that marks your jobs cannot be written .*set XDG_STATE_HOME"):
        client.submit(count())
    assert client.jobs() == []
    assert [path.name for path in client.jobs_root.iterdir()] == [".submit.lock"]


def test_a_strangers_job_waits_until_it_is_started_by_name(
    client: JobClient, store_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = strange(client, monkeypatch)
    assert job.waiting == f"queued by somebody else; `saetui jobs start {job.id}` runs it"
    assert job.can_start
    client.ensure_workers()
    assert not (client.jobs_root / ".workers").exists(), "nobody was asked to run it"
    own = ended(client, client.submit(count(2)))
    assert own.state == "done"
    assert client.job(job.id).state == "queued", "nor does a worker that runs anyway"
    mine = client.submit(count(1, label="strange"))
    assert mine.id != job.id, "what a stranger has queued is not taken for one's own"
    started = client.start(job.id)
    assert not started.can_start
    assert ended(client, started).state == "done"
    with pytest.raises(JobError, match="is done; only a queued job can be started"):
        client.start(job.id)


def test_a_spec_that_was_changed_after_it_was_queued_is_not_run(
    client: JobClient, store_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(JobClient, "ensure_workers", lambda _: None)
        job = client.submit(count(1))
    spec = json.loads(job.folder.spec.read_text()) | {"to": 2}
    job.folder.spec.write_text(json.dumps(spec))
    assert "queued by somebody else" in (client.job(job.id).waiting or "")
    ended(client, client.submit(count(3)))
    assert client.job(job.id).state == "queued"


def test_a_job_is_looked_at_before_it_is_started(
    client: JobClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = strange(client, monkeypatch, title="harmless", kind="harmless", device="cuda:63")
    with pytest.raises(JobError, match="device: 'cuda:63' is not on this machine"):
        client.start(job.id)
    (job.folder.out / "counted.txt").symlink_to(tmp_path / "victim")
    with pytest.raises(JobError, match=r"counted\.txt: is a link"):
        client.start(job.id, "cpu")
    (job.folder.out / "counted.txt").unlink()
    job.folder.spec.write_text('{"kind": "count", "to": -1}')
    with pytest.raises(JobError, match=r"spec\.json: to: "):
        client.start(job.id, "cpu")
    job.folder.spec.write_text('{"kind": "count", "to": 1}')
    started = client.start(job.id, "cpu")
    assert (started.title, started.kind, started.device) == ("count", "count", "cpu")
    assert ended(client, started).state == "done"


def test_links_in_the_folder_of_a_job_fail_it_before_anything_is_written(
    client: JobClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(JobClient, "ensure_workers", lambda _: None)
        jobs = [client.submit(count(1, label=name)) for name in ("out/counted.txt", "log.txt", "progress.jsonl")]
    for job in jobs:
        (job.folder.path / job.folder.read_spec()["label"]).symlink_to(tmp_path / "victim")
    client.ensure_workers()
    for job in jobs:
        failed = ended(client, job)
        assert (failed.state, "is a link" in (failed.message or "")) == ("failed", True), failed.message
    assert not (tmp_path / "victim").exists()


def test_the_device_of_a_stranger_makes_no_folder(client: JobClient, tmp_path: Path) -> None:
    client.submit(count())
    for number, fields in enumerate(({"device": "../../../x"}, {"host": "../../x"}, {"job_id": "../../x"})):
        known = Record(f"2026-{number}", "count", "count", "queued", "cpu", "here", "hash", time.time())
        folder = JobFolder.create(client.jobs_root, known, {"kind": "count"}, marked=True)
        folder.state.write_text(json.dumps(asdict(replace(folder.read(), **fields))))  # type: ignore[arg-type]
    client.ensure_workers()
    bad = [job for job in client.jobs() if job.id.startswith("2026-")]
    assert [job.state for job in bad] == ["failed"] * 3
    assert [(job.message or "").partition("saetui (")[2].partition(":")[0] for job in bad] == [
        "device",
        "host",
        "job_id",
    ]
    wait_until(lambda: len(workers(client.store_root)) == 1)
    assert sorted(os.listdir(tmp_path)) == ["store"]
    assert len(os.listdir(client.jobs_root / ".workers")) == 1
