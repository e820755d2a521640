"""Damage to results that wait: nothing is taken in with another content, and nothing keeps later results out."""

import errno
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from store import Spool, SpoolError, Store, parts, set_aside
from store.manifest import Manifest, Part
from store.plain import read_plain
from tests.store.conftest import at, latent, mark, sae

N_DAMAGES = 80


def spool_sae(store: Store, name: str, job: str = "job", **changes: Any) -> Path:
    with Spool(store.root, job) as spool:
        spool.add("sae", [{**sae(name, 8), **changes}])
        finished = spool.flush()
    return store.spool / str(finished)


def damaged(content: bytes, random: random.Random) -> bytes:
    """The content with one bit turned, some bytes overwritten, cut, doubled, or another file's end."""
    at, kind = random.randrange(len(content)), random.randrange(5)
    if kind == 0:
        return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]
    if kind == 1:
        return content[:at] + random.randbytes(min(16, len(content) - at)) + content[at + 16 :]
    if kind == 2:
        return content[:at]
    if kind == 3:
        return content[:at] + content[at : at + 40] + content[at:]
    return content[:at] + bytes(len(content) - at)


def test_no_damage_of_a_waiting_result_is_taken_in(store: Store) -> None:
    """Parts and manifests alike; whatever is still taken in is what the job wrote."""
    numbers = random.Random(0)
    n_rejected = 0
    for number in range(N_DAMAGES):
        folder = spool_sae(store, f"sae-{number}", f"job-{number}", fvu=0.125, k=4.0)
        path = folder / ("manifest.json" if number % 4 == 0 else "00000-sae.parquet")
        whole = path.read_bytes()
        path.write_bytes(damaged(whole, numbers))
        n_rejected += path.read_bytes() != whole
    report = store.commit_spool()
    assert len(report.rejected) == n_rejected > N_DAMAGES * 0.9
    assert report.manifests == N_DAMAGES - n_rejected
    for row in store.fetch("SELECT sae_id, width, k, fvu, model_id FROM sae").rows:
        assert row[1:] == (8, 4.0, 0.125, "m")
    assert len(set_aside(store.root)) == n_rejected


def _as_format_1(folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    del content["sha256"]
    for part in content["parts"]:
        del part["sha256"]
    (folder / "manifest.json").write_text(json.dumps({**content, "format": 1}))


def test_results_of_before_there_were_checksums_are_taken_in(store: Store) -> None:
    _as_format_1(spool_sae(store, "narrow"))
    assert store.commit_spool().rows == 1
    assert store.fetch("SELECT sae_id FROM sae").rows == [("narrow",)]


ODD: dict[str, Any] = {
    "file": lambda path: path.write_text("no folder"),
    "link": lambda path: path.symlink_to("/nowhere"),
    "loop": lambda path: path.symlink_to(path.name),
    "pipe": os.mkfifo,
    "empty": Path.mkdir,
    "null": lambda path: (path.mkdir(), (path / "manifest.json").write_text("null")),
    "number": lambda path: (path.mkdir(), (path / "manifest.json").write_text('{"format": 2, "name": 7, "job_id": 1}')),
    "deep": lambda path: (path.mkdir(), (path / "manifest.json").write_text("[" * 200_000)),
    "huge": lambda path: (path.mkdir(), os.truncate(_touched(path / "manifest.json"), 1 << 30)),
    "folder": lambda path: (path / "manifest.json").mkdir(parents=True),
    "pipe in it": lambda path: (path.mkdir(), os.mkfifo(path / "manifest.json")),
    "reason": lambda path: (path / "error.txt").mkdir(parents=True),
    "x" * 250: Path.mkdir,
}


def _touched(path: Path) -> Path:
    path.touch()
    return path


@pytest.mark.parametrize("name", ODD, ids=lambda name: name[:10])
def test_one_odd_thing_in_the_spool_keeps_nothing_out(store: Store, name: str) -> None:
    ODD[name](store.spool / name)
    (store.spool / f"{name[:200]}.rejected").mkdir()
    spool_sae(store, "narrow")
    report = store.commit_spool()
    assert (report.manifests, len(report.rejected), report.waiting) == (1, 1, 0)
    assert report.rejected[0].name == f"{name[:200]}.1.rejected"
    assert store.fetch("SELECT sae_id FROM sae").rows == [("narrow",)]
    assert store.commit_spool().rejected == ()
    assert not store.results_wait()


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE, None])
def test_a_read_error_is_not_damage(store: Store, monkeypatch: pytest.MonkeyPatch, number: int | None) -> None:
    """What cannot be read for a moment waits, is told, and comes in later; others come in meanwhile."""
    folder = spool_sae(store, "narrow", "slow")
    spool_sae(store, "wide", "good")

    def refused(path: Path, limit: int) -> bytes:
        if path.parent == folder and path.suffix == ".parquet":
            raise MemoryError if number is None else OSError(number, os.strerror(number), str(path))
        return read(path, limit)

    read = read_plain
    monkeypatch.setattr(parts, "read_plain", refused)
    report = store.commit_spool()
    assert (report.manifests, report.waiting, report.rejected) == (1, 1, ())
    assert [(unread.name, unread.job_id) for unread in report.unread] == [(folder.name, "slow")]
    assert "00000-sae.parquet" in report.reason
    assert store.results_wait()
    monkeypatch.undo()
    assert (store.commit_spool().manifests, store.results_wait()) == (1, False)


def test_a_file_that_is_missing_for_a_moment_is_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    spool_sae(store, "narrow")
    failures = [1, 1]

    def late(path: Path, limit: int) -> bytes:
        if path.suffix == ".parquet" and failures:
            failures.pop()
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        return read(path, limit)

    read = read_plain
    monkeypatch.setattr(parts, "read_plain", late)
    assert store.commit_spool().manifests == 1


def test_a_result_that_cannot_be_moved_aside_stays_and_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:

    def refused(*paths: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    (store.spool / "odd").write_text("x")
    spool_sae(store, "narrow")
    monkeypatch.setattr(os, "mkdir", refused)
    report = store.commit_spool()
    assert (report.manifests, report.rejected, report.waiting) == (1, (), 1)
    assert "cannot be set aside" in report.reason


@pytest.mark.parametrize(
    ("table", "row", "column"),
    [
        ("sae", {**sae("s", 8), "seed": 10**30}, "sae.seed"),
        ("sae", {**sae("s", 8), "seed": 2**63}, "sae.seed"),
        ("sae", {**sae("s", 8), "width": -1}, "sae.width"),
        ("sae", {**sae("s", 8), "width": 2.5}, "sae.width"),
        ("sae", {**sae("s", 8), "width": "eight"}, "sae.width"),
        ("latent", {**latent("s", 1), "decoder_norm": 1e300}, "latent.decoder_norm"),
        ("latent", {**latent("s", 1), "histogram": [1, 2**32]}, "latent.histogram"),
        ("latent", {**latent("s", 1), "histogram": [1, 2**70]}, "latent.histogram"),
        ("latent", {**latent("s", 1), "top_tokens": ["\ud800"]}, "latent.top_tokens"),
        ("sae", {**sae("s", 8), "name": object()}, "sae.name"),
        ("latent_activation", {**at("s", 0, 70_000), "latent": 1, "activation": 1.0}, "latent_activation.position"),
    ],
)
def test_values_that_do_not_fit_are_refused_before_they_are_spooled(
    store: Store, table: str, row: dict[str, Any], column: str
) -> None:
    with pytest.raises(SpoolError) as caught, Spool(store.root, "job") as spool:
        spool.add(table, [row])
    assert column in str(caught.value)
    assert list(store.spool.iterdir()) == []


@pytest.mark.parametrize("job_id", ["", "a/b", "x\n", "\u202e", "a" * 300, 5, None])
def test_ids_of_jobs_are_plain(store: Store, job_id: Any) -> None:
    with pytest.raises(SpoolError, match="is not an id of a job"):
        Spool(store.root, job_id)


@pytest.mark.slow
def test_a_clock_set_back_drops_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def activation(value: float) -> list[dict[str, Any]]:
        return [{**at("narrow", 0, 1), "latent": 0, "activation": value}]

    now = time.time_ns()
    for hours, value in ((5, 1.0), (0, 2.0), (-300, 3.0)):
        monkeypatch.setattr(time, "time_ns", lambda hours=hours: now + hours * 3_600_000_000_000)
        with Spool(store.root, "job") as spool:
            spool.add("latent_activation", activation(value))
        report = store.commit_spool()
        assert (report.rows, report.superseded) == (1, 0)
        assert store.fetch("SELECT activation FROM latent_activation").rows == [(value,)]
        # As after a copy to another machine, without what was beside the database.
        (store.root / "locks" / "attempt").unlink()
        store.commit_spool()
        with Spool(store.root, "job") as spool:
            spool.add("sae", [sae("narrow", 8)])
        store.commit_spool()


def test_rows_that_came_too_late_are_told_and_not_counted(store: Store) -> None:
    early, late = Spool(store.root, "job"), Spool(store.root, "job")
    assert early.attempt < late.attempt
    for spool in (late, early):
        spool.add("latent", [latent("narrow", 1), latent("narrow", 2)])
        spool.add("mark", [mark("x")])
        spool.flush()
        report = store.commit_spool()
    assert (report.rows, report.superseded, report.manifests) == (1, 2, 1)
    assert store.fetch("SELECT n_rows FROM commit_log ORDER BY committed").rows == [(3,), (1,)]


def test_a_sealed_manifest_says_what_it_is(store: Store) -> None:
    part = Part("sae", "00000-sae.parquet", 1, ("sae_id",), {}, "0" * 64)
    manifest = Manifest("n", "j", "a", (part,)).sealed()
    assert manifest.sealed() == manifest
    assert json.loads(manifest.dumps())["sha256"] == manifest.sha256


@pytest.mark.slow
def test_parts_of_a_folder_called_like_a_partition(tmp_path: Path) -> None:
    for name in ("k=16", "seed=7", "name=x", "letter=q", "sae_id=z", "a*b", "a[b]%c", "a\nb"):
        with Store.open(tmp_path / name, create=True) as store:
            spool_sae(store, "narrow", seed=3)
            with Spool(store.root, "job") as spool:
                spool.add("latent", pl.DataFrame([latent("narrow", 1)]))
            assert store.commit_spool().rows == 2
            assert store.fetch("SELECT sae_id, name, k, seed FROM sae").rows == [("narrow", "narrow-k4", 4.0, 3)]
            assert store.fetch("SELECT sae_id FROM latent").rows == [("narrow",)]
