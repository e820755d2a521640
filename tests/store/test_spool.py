"""What a job may leave in the spool, and what happens when it cannot."""

import errno
import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from traceback import walk_tb
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from store import Spool, SpoolError, Store
from store import spool as spool_module
from store.tables import STORED_AS, TABLES, columns_of
from tests.store.conftest import at, latent, sae


def names(store: Store) -> list[str]:
    return sorted(path.name for path in store.spool.iterdir())


def activations(rows: int, **changes: Any) -> pl.DataFrame:
    number = np.arange(rows)
    frame = pl.DataFrame(
        {
            "context": (number // 20).astype(np.uint32),
            "position": (number % 20 // 2).astype(np.uint16),
            "latent": (number % 7).astype(np.uint32),
            "activation": number.astype(np.float32),
        }
    )
    return frame.with_columns(sae_id=pl.lit("narrow"), corpus_id=pl.lit("c"), **changes)


def test_columns_are_those_of_the_database(store: Store) -> None:
    for table in TABLES:
        described = store.fetch(f"DESCRIBE {table}").rows
        assert columns_of(table).names == tuple(row[0] for row in described)
        if table not in STORED_AS:
            assert columns_of(table).required == {row[0] for row in described if row[2] == "NO"}


def test_nothing_is_seen_before_a_flush(store: Store) -> None:
    with Spool(store.root, "job") as spool:
        spool.add("sae", [sae("narrow", 8)])
        assert store.commit_spool().manifests == 0
        name = spool.flush()
        assert spool.flush() is None
        assert names(store) == [name]
        report = store.commit_spool()
    assert (report.manifests, report.rows, report.waiting, report.held_by) == (1, 1, 0, None)
    assert store.fetch("SELECT manifest, job_id, n_rows FROM commit_log").rows == [(name, "job", 1)]
    assert names(store) == []


def test_an_error_forgets_what_was_not_flushed(store: Store) -> None:
    def work() -> None:
        with Spool(store.root, "job") as spool:
            spool.add("latent", [latent("narrow", 0)])
            spool.flush()
            spool.add("latent", [latent("narrow", 1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    store.commit_spool()
    assert store.fetch("SELECT latent FROM latent").rows == [(0,)]


def test_frames_arrow_tables_and_dictionaries_alike(store: Store) -> None:
    row = latent("narrow", 3)
    with Spool(store.root, "job") as spool:
        spool.add("latent", [row])
        spool.add("latent", pl.DataFrame([{**row, "latent": 4}]))
        spool.add("latent", pa.Table.from_pylist([{**row, "latent": 5}]))
        spool.add("latent", [])
    store.commit_spool()
    assert store.fetch("SELECT latent, top_token FROM latent").rows == [(3, " top3"), (4, " top3"), (5, " top3")]


@pytest.mark.parametrize(
    ("table", "rows", "message"),
    [
        ("latnet", [{"a": 1}], "there is no table 'latnet' to add rows to; there are model, corpus"),
        ("latent", [{"sae_id": "s", "densty": 1.0}], "latent has no column 'densty'; it has sae_id, latent, n_fires"),
        ("latent", [{"sae_id": "s", "latent": 1}], "latent needs the column 'decoder_norm'"),
        (
            "token",
            [{"corpus_id": "c", "context": 0, "position": 1, "token_id": None}],
            "token.token_id may not be NULL",
        ),
        ("sae", [{"name": "x"}], "sae needs the column 'sae_id'"),
    ],
)
def test_rows_that_do_not_fit_are_refused_at_once(store: Store, table: str, rows: Any, message: str) -> None:
    with Spool(store.root, "job") as spool, pytest.raises(SpoolError, match=message):
        spool.add(table, rows)
    assert names(store) == []


def test_activations_that_are_not_numbers_are_refused(store: Store) -> None:
    bad = activations(40).with_columns(activation=pl.lit(float("nan"), pl.Float32))
    with Spool(store.root, "job") as spool, pytest.raises(SpoolError, match="activation is not a number in 40 rows"):
        spool.add("latent_activation", bad)


def test_numbers_out_of_range_are_refused(store: Store) -> None:
    bad = activations(40).with_columns(latent=pl.lit(-1))
    with (
        pytest.raises(SpoolError, match=r"latent_activation\.latent holds values that do not fit its type UINTEGER"),
        Spool(store.root, "job") as spool,
    ):
        spool.add("latent_activation", bad)
    assert names(store) == []


def test_long_results_become_parts_of_whole_row_groups(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "PART_ROWS", 100)
    rows = activations(350)
    with Spool(store.root, "job") as spool:
        for start in range(0, 350, 70):
            spool.add("latent_activation", rows[start : start + 70])
        name = spool.flush()
        manifest = json.loads((store.spool / str(name) / "manifest.json").read_text())
    assert [part["n_rows"] for part in manifest["parts"] if part["table"] == "activation_by_latent"] == [
        100,
        100,
        100,
        50,
    ]
    assert store.commit_spool().rows == 350
    columns = "context, position, latent, activation"
    found = store.query(f"SELECT {columns} FROM latent_activation ORDER BY context, position, activation")
    assert found.equals(rows.select(found.columns))
    assert store.fetch("SELECT sum(len(latents)) FROM token_latent").rows == [(350,)]


def test_each_commit_has_a_latent_strongest_first(store: Store) -> None:
    rng = np.random.default_rng(0)
    rows = activations(5000).with_columns(activation=pl.Series(rng.normal(0, 1, 5000).astype(np.float32)))
    with Spool(store.root, "job") as spool:
        spool.add("latent_activation", rows)
    store.commit_spool()
    found = store.fetch("SELECT latent, activation FROM activation_by_latent ORDER BY rowid").rows
    assert found == sorted(found, key=lambda row: (row[0], -row[1]))


def test_tokens_in_any_order_become_one_list_per_context(store: Store) -> None:
    tokens = [(1, 0, 10), (0, 2, 2), (0, 1, 1), (1, 1, 11), (0, 5, 5)]
    with Spool(store.root, "job") as spool:
        spool.add("token", [{"corpus_id": "c", "context": c, "position": p, "token_id": t} for c, p, t in tokens])
    assert store.commit_spool().rows == 5
    lists = store.fetch("SELECT context, token_ids FROM token_context ORDER BY context").rows
    assert lists == [(0, [None, 1, 2, None, None, 5]), (1, [10, 11])]
    assert store.fetch("SELECT context, position, token_id FROM token ORDER BY ALL").rows == sorted(tokens)


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_half_written(store: Store) -> None:
    """In a process that may not write files of more than 20 kB, as on a disk that is about to be full."""
    program = """
import resource, signal, sys
import polars as pl
from store.spool import Spool
from store import SpoolError
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with Spool(sys.argv[1], "job-7") as spool:
    spool.add("mark", pl.DataFrame({"subject": ["sae"], "key": ["kept"]}).with_columns(created=pl.datetime(2026, 1, 1)))
    spool.flush()
    spool.add("mark", pl.DataFrame({"subject": ["sae"], "key": ["lost"]}).with_columns(created=pl.datetime(2026, 1, 1)))
    try:
        spool.add("token_error", pl.DataFrame({"context": range(50_000)}).with_columns(
            sae_id=pl.lit("s"), corpus_id=pl.lit("c"), position=0, error_norm=pl.col("context") / 7.0,
            activation_norm=1.0, l0=1))
        spool.flush()
    except SpoolError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program, str(store.root)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "the disk is full; make room there and run job job-7 again" in done.stdout
    assert str(store.spool) in done.stdout
    assert len(names(store)) == 1
    store.commit_spool()
    assert store.fetch("SELECT key FROM mark").rows == [("kept",)]


def test_a_part_that_cannot_be_written_keeps_no_view_of_its_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    spool = Spool(store.root, "job-7")
    spool.add("sae", [sae("narrow", 8)])
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SpoolError) as caught:
        spool.flush()
    frames = (frame.f_locals for frame, _ in walk_tb(caught.value.__traceback__))
    (part,) = (local["part"] for local in frames if isinstance(local.get("part"), BytesIO))
    part.truncate(0)  # BufferError where there is a view.


def test_a_disk_that_is_full_at_the_manifest_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    spool = Spool(store.root, "job-7")
    spool.add("sae", [sae("narrow", 8)])
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SpoolError, match="the disk is full"):
        spool.flush()
    assert names(store) == []
    monkeypatch.undo()
    spool.add("sae", [sae("wide", 16)])
    spool.flush()
    store.commit_spool()
    assert store.fetch("SELECT sae_id FROM sae").rows == [("wide",)]


def test_a_spool_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(SpoolError, match="results cannot be written"), Spool(tmp_path, "job") as spool:
        spool.add("sae", [sae("narrow", 8)])


def test_a_worker_needs_no_database() -> None:
    program = """
import sys
from store.spool import Spool
assert not {"duckdb", "polars", "pyarrow", "numpy"} & set(sys.modules), sorted(sys.modules)
import tempfile
with Spool(tempfile.mkdtemp(), "job") as spool:
    spool.add("latent_activation", [dict(sae_id="s", corpus_id="c", context=0, position=1, latent=2, activation=0.5)])
assert not {"duckdb", "pandas"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_what_dead_writers_left_is_swept_but_not_what_lives(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "PART_ROWS", 1)
    alive = Spool(store.root, "alive")
    alive.add("latent_activation", [{**at("s", 0, 1), "latent": 1, "activation": 1.0}])
    dead = store.spool / "0001-dead-0001.writing"
    dead.mkdir()
    (dead / "00000-sae.parquet").write_bytes(b"half")
    (store.spool / "0000-old-0001.done").mkdir()
    store.commit_spool()
    assert names(store) == [f"{alive.attempt}-0001.writing"]
    alive.flush()
    assert store.commit_spool().rows == 1
