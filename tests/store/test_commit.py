"""How finished results meet what is already in the store."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from store import Spool, Store, StoreError
from store import commit as commit_module
from tests.store.conftest import at, corpus, latent, model, probe, rewritten, sae


def spooled(store: Store, table: str, *rows: dict[str, Any], job: str = "job") -> None:
    with Spool(store.root, job) as spool:
        spool.add(table, list(rows))


def fired(*strengths: float, sae_id: str = "narrow") -> list[dict[str, Any]]:
    return [{**at(sae_id, 0, i + 1), "latent": i, "activation": value} for i, value in enumerate(strengths)]


def seen(store: Store) -> list[tuple[Any, ...]]:
    return store.fetch("SELECT sae_id, latent, activation FROM latent_activation ORDER BY ALL").rows


def test_the_same_thing_from_two_jobs_is_there_once(store: Store) -> None:
    for job in ("train", "letters"):
        spooled(store, "model", model(), job=job)
    report = store.commit_spool()
    assert (report.manifests, report.rows) == (2, 2)
    assert store.fetch("SELECT model_id FROM model").rows == [("m",)]


def test_a_row_may_bring_only_the_columns_that_it_changes(store: Store) -> None:
    spooled(store, "sae", sae("narrow", 8), sae("wide", 16))
    spooled(store, "sae", {"sae_id": "narrow", "absorption_rate": 0.5}, {"sae_id": "narrow", "absorption_rate": 0.75})
    store.commit_spool()
    found = store.fetch("SELECT sae_id, width, absorption_rate FROM sae ORDER BY ALL").rows
    assert found == [("narrow", 8, 0.75), ("wide", 16, None)]


def test_lists_in_keyed_rows_are_replaced(store: Store) -> None:
    spooled(store, "probe", probe("s", 0.5))
    store.commit_spool()
    spooled(store, "probe", {**probe("s", 0.9), "direction": [0.0, 1.0]}, probe("c", 0.4))
    store.commit_spool()
    found = store.fetch("SELECT letter, f1, direction FROM probe ORDER BY ALL").rows
    assert found == [("c", 0.4, [1.0, 0.0]), ("s", 0.9, [0.0, 1.0])]


def test_a_job_that_is_run_again_replaces_its_rows(store: Store) -> None:
    spooled(store, "latent_activation", *fired(1.0, 2.0, 3.0))
    spooled(store, "latent_activation", *fired(9.0, sae_id="wide"))
    spooled(store, "token", {"corpus_id": "c", "context": 0, "position": 0, "token_id": 1})
    store.commit_spool()
    spooled(store, "latent_activation", *fired(4.0, 5.0))
    spooled(store, "token", {"corpus_id": "c", "context": 0, "position": 0, "token_id": 2})
    store.commit_spool()
    assert seen(store) == [("narrow", 0, 4.0), ("narrow", 1, 5.0), ("wide", 0, 9.0)]
    assert store.fetch("SELECT token_id FROM token").rows == [(2,)]
    assert store.fetch("SELECT sum(len(latents)) FROM token_latent").rows == [(3,)]


def test_the_flushes_of_one_attempt_add_up(store: Store) -> None:
    with Spool(store.root, "job") as spool:
        for number in range(3):
            spool.add("latent", [latent("narrow", number)])
            spool.flush()
    store.commit_spool()
    assert store.fetch("SELECT latent FROM latent ORDER BY ALL").rows == [(0,), (1,), (2,)]


def test_what_an_overtaken_attempt_still_writes_is_left_out(store: Store) -> None:
    early, late = Spool(store.root, "job"), Spool(store.root, "job")
    for spool, value in ((early, 1.0), (late, 2.0), (early, 3.0)):
        spool.add("latent_activation", fired(value))
        spool.flush()
        store.commit_spool()
    assert seen(store) == [("narrow", 0, 2.0)]
    assert store.fetch("SELECT count(*) FROM commit_log").rows == [(3,)]


def test_places_need_no_token_set(store: Store) -> None:
    """Contexts and positions come back where the token set is not in the store (yet), too."""
    rows = [{**at("narrow", 70_000, 65_535), "latent": 3, "activation": 1.5}]
    spooled(store, "latent_activation", *rows)
    spooled(store, "corpus", corpus())
    store.commit_spool()
    spooled(store, "latent_activation", *[{**row, "sae_id": "wide", "context": 2, "position": 6} for row in rows])
    store.commit_spool()
    found = store.fetch("SELECT context, position FROM latent_activation ORDER BY sae_id").rows
    assert found == [(70_000, 65_535), (2, 6)]
    assert store.fetch("SELECT stride FROM activation_set ORDER BY ALL").rows == [(7,), (65_536,)]


def test_a_position_beyond_the_context_length_is_refused(store: Store) -> None:
    spooled(store, "corpus", corpus())
    spooled(store, "latent_activation", {**at("narrow", 0, 7), "latent": 3, "activation": 1.5})
    (rejection,) = store.commit_spool().rejected
    assert "position 7, but contexts of 'c' have 7 tokens" in rejection.reason
    assert seen(store) == []


def test_a_result_that_does_not_fit_is_set_aside_and_the_others_come_in(store: Store) -> None:
    spooled(store, "latent", latent("narrow", 1), job="bad")
    (folder,) = store.spool.iterdir()
    rewritten(folder, pl.read_parquet(folder / "00000-latent.parquet").with_columns(n_fires=pl.lit(-5)))
    spooled(store, "latent", latent("narrow", 2), job="good")
    report = store.commit_spool()
    assert (report.manifests, report.waiting) == (1, 0)
    (rejection,) = report.rejected
    assert rejection.job_id == "bad"
    assert "n_fires: holds values that do not fit its type UBIGINT" in rejection.reason
    assert "-5" in rejection.reason
    kept = store.spool / rejection.name
    assert "-5" in (kept / "error.txt").read_text()
    assert (kept / "manifest.json").exists()
    assert store.fetch("SELECT latent FROM latent").rows == [(2,)]
    assert store.commit_spool().rejected == ()


@pytest.mark.parametrize("damage", ["missing", "cut", "manifest", "later"])
def test_a_damaged_result_is_set_aside(store: Store, damage: str) -> None:
    spooled(store, "latent", latent("narrow", 1))
    (folder,) = store.spool.iterdir()
    part, manifest = folder / "00000-latent.parquet", folder / "manifest.json"
    if damage == "missing":
        part.unlink()
    elif damage == "cut":
        part.write_bytes(part.read_bytes()[:-10])
    elif damage == "manifest":
        manifest.write_text("{")
    else:
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 9}))
    (rejection,) = store.commit_spool().rejected
    assert str(folder) in rejection.reason


def test_a_folder_that_came_back_is_not_taken_twice(store: Store, tmp_path: Path) -> None:
    """As after a copy of the spool has been put back, or a removal that did not reach the disk."""
    spooled(store, "latent", latent("narrow", 1))
    (folder,) = store.spool.iterdir()
    shutil.copytree(folder, tmp_path / folder.name)
    store.commit_spool()
    shutil.copytree(tmp_path / folder.name, folder)
    report = store.commit_spool()
    assert (report.manifests, report.rows, report.waiting) == (0, 0, 0)
    assert store.fetch("SELECT count(*) FROM latent").rows == [(1,)]
    assert list(store.spool.iterdir()) == []


def test_much_is_committed_in_several_windows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_module, "_WINDOW_ROWS", 2)
    for number in range(5):
        spooled(store, "latent", latent(f"sae-{number}", 1))
    before = store.revision
    assert store.commit_spool().manifests == 5
    assert store.revision == before + 5
    assert store.fetch("SELECT count(*) FROM latent").rows == [(5,)]


def test_results_wait_while_the_disk_is_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    def full(*args: object) -> None:
        raise duckdb.IOException("Could not write file: No space left on device")

    spooled(store, "latent", latent("narrow", 1))
    monkeypatch.setattr(commit_module, "ingest", full)
    with pytest.raises(StoreError, match=r"No space left on device.*they wait in"):
        store.commit_spool()
    monkeypatch.undo()
    assert store.fetch("SELECT count(*) FROM latent").rows == [(0,)]
    assert store.commit_spool().manifests == 1


def test_first_elements_are_kept_apart_for_long_tables(store: Store) -> None:
    with Spool(store.root, "job") as spool:
        spool.add("latent", pl.DataFrame([latent("narrow", 1), {**latent("narrow", 2), "top_tokens": []}]))
    store.commit_spool()
    assert store.fetch("SELECT top_token, promoted FROM latent").rows == [(" top1", " P1"), (None, " P2")]
