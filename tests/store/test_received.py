"""A store received from somebody else runs nothing, and touches nothing outside its folder."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from store import QueryError, Spool, Store, StoreError, StoreUnreadable, set_aside
from tests.store.conftest import latent, rewritten, sae

Prepare = Callable[[Path, Path], None]


def waiting(store: Store, table: str = "latent", job: str = "bad") -> Path:
    row = latent("narrow", 1) if table == "latent" else sae("narrow", 8)
    with Spool(store.root, job) as spool:
        spool.add(table, [row])
        name = spool.flush()
    return store.spool / str(name)


def listing(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize(
    "scope",
    [
        {"1=1; COPY (SELECT 'x') TO 'TARGET'; --": "v"},
        {"sae_id": "x' OR 1=1; COPY (SELECT 'x') TO 'TARGET'; --"},
        {"sae_id\" = 1; COPY (SELECT 1) TO 'TARGET'; --": "v"},
        {"sae_id": 7},
        {"sae_id": None},
        {},
        {"sae_id": "narrow", "corpus_id": "c"},
        ["sae_id"],
    ],
)
def test_names_and_values_of_a_scope_are_never_sql(store: Store, tmp_path: Path, scope: object) -> None:
    target = tmp_path / "outside.txt"
    folder = waiting(store)
    rewritten(folder, scope=json.loads(json.dumps(scope).replace("TARGET", str(target))))
    report = store.commit_spool()
    assert not target.exists()
    # A value is only a value, whatever it says; names are those of the table.
    assert len(report.rejected) == (0 if isinstance(scope, dict) and str(scope.get("sae_id")).startswith("x'") else 1)
    assert report.waiting == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"file": "../../outside.parquet"},
        {"file": "/etc/hostname"},
        {"file": "00000-latent.parquet\0"},
        {"file": "*.parquet"},
        {"table": "store_state"},
        {"table": "latent; DROP TABLE sae"},
        {"columns": ('sae_id", (SELECT 1)) --',)},
        {"n_rows": -1},
        {"n_rows": True},
        {"n_rows": 2},
        {"n_rows": 1 << 70},
        {"sha256": None},
        {"sha256": "0" * 64},
        {"table": 5},
    ],
)
def test_a_manifest_is_looked_at_before_it_is_used(store: Store, changes: dict[str, Any]) -> None:
    shutil.copy(waiting(store) / "00000-latent.parquet", store.root.parent / "outside.parquet")
    (folder,) = store.spool.iterdir()
    rewritten(folder, **changes)
    good = waiting(store, "sae", "good")
    report = store.commit_spool()
    (rejection,) = report.rejected
    assert (rejection.name, rejection.job_id, report.manifests) == (f"{folder.name}.rejected", "bad", 1)
    assert str(folder) in rejection.reason
    assert not good.exists()
    assert store.fetch("SELECT count(*) FROM latent").rows == [(0,)]
    assert set_aside(store.root) == [rejection]


def test_no_link_of_a_result_is_followed(store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "notes.txt").write_text("mine")
    part, reason, whole = waiting(store), waiting(store), waiting(store)
    (part / "00000-latent.parquet").rename(outside / "part.parquet")
    (part / "00000-latent.parquet").symlink_to(outside / "part.parquet")
    rewritten(reason, n_rows=7)
    (reason / "error.txt").symlink_to(outside / "notes.txt")
    whole.rename(outside / whole.name)
    whole.symlink_to(outside / whole.name)
    (store.spool / "0-0.writing").symlink_to(outside)
    (store.spool / "0-0.done").symlink_to(outside)
    before = listing(outside)
    report = store.commit_spool()
    assert (report.manifests, len(report.rejected), report.waiting) == (0, 3, 0)
    assert listing(outside) == before
    kept = {rejection.name: rejection.reason for rejection in set_aside(store.root)}
    assert kept.keys() == {f"{path.name}.rejected" for path in (part, reason, whole)}
    assert "7 rows" in kept[f"{reason.name}.rejected"]
    assert not (store.spool / f"{reason.name}.rejected" / "error.txt").is_symlink()


def test_what_was_set_aside_is_listed_whatever_is_in_it(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    for number, fill in enumerate(
        [
            lambda path: path.symlink_to(tmp_path),
            lambda path: path.write_text("a file"),
            lambda path: (path.mkdir(), (path / "error.txt").symlink_to(tmp_path / "secret")),
            lambda path: (path.mkdir(), os.mkfifo(path / "error.txt"), os.mkfifo(path / "manifest.json")),
            lambda path: (path.mkdir(), (path / "manifest.json").write_bytes(b'\xff{"job_id": "j-1", "x": ')),
        ]
    ):
        fill(store.spool / f"{number}.rejected")
    found = set_aside(store.root)
    assert [rejection.job_id for rejection in found] == ["?", "?", "?", "?", "j-1"]
    assert not any("secret" in rejection.reason for rejection in found)


@pytest.mark.parametrize(
    "name",
    [
        "spool",
        "tensors",
        "jobs",
        "locks",
        "locks/request",
        "locks/commit.lock",
        "locks/attempt",
        "saetui.duckdb",
        "saetui.duckdb.wal",
        "saetui.duckdb.tmp",
        "saetui.v1.part",
        "saetui.new",
    ],
)
@pytest.mark.parametrize("create", [False, True])
def test_a_link_in_the_place_of_a_file_or_folder_is_refused(
    store: Store, tmp_path: Path, name: str, create: bool
) -> None:
    store.close()
    outside, path = tmp_path / "outside", store.root / name
    if path.is_dir():
        path.rename(outside)
    elif path.exists():
        outside.write_bytes(path.read_bytes())
        path.unlink()
    else:
        outside.write_text("mine")
    path.symlink_to(outside)
    before = listing(tmp_path)
    with pytest.raises(StoreUnreadable, match="is a link; a store keeps its files in its own folder"):
        Store.open(store.root, create=create)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("name", ["saetui.duckdb", "saetui.duckdb.wal", "locks/request", "locks/commit.lock"])
def test_a_pipe_is_not_waited_for(store: Store, name: str) -> None:
    store.close()
    (store.root / name).unlink(missing_ok=True)
    os.mkfifo(store.root / name)
    with pytest.raises(StoreUnreadable, match="is not an ordinary file"):
        Store.open(store.root)


def test_the_store_itself_may_be_reached_through_links(store: Store, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "link").symlink_to(store.root)
    with Store.open(tmp_path / "link") as opened:
        assert opened.root == store.root


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_text('FILE')",
        "FROM read_csv('FILE')",
        "FROM 'FILE'",
        "FROM glob('FILE')",
        "COPY (SELECT 'x') TO 'FILE.new'",
        "ATTACH 'FILE.db'",
        "EXPORT DATABASE 'FILE.folder'",
        "INSTALL httpfs",
        "LOAD 'FILE'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "CALL enable_logging(storage_path = 'FILE.log')",
    ],
)
def test_no_query_reaches_a_file_outside(store: Store, tmp_path: Path, sql: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    before = listing(outside)
    sql = sql.replace("FILE", str(outside / "file"))
    for ask in (store.fetch, store.query, store.arrow, store.write):
        with pytest.raises(QueryError):
            ask(sql)
    assert listing(outside) == before


def test_a_refused_file_names_the_way_to_it(store: Store) -> None:
    with pytest.raises(QueryError, match=r"/etc/hostname.*\n(.*\n)*.*ask `store.query_files\(sql\)` about other files"):
        store.fetch("FROM read_text('/etc/hostname')")


def test_views_of_a_strangers_database_read_nothing_outside(store: Store) -> None:
    store.close()
    with duckdb.connect(store.database) as connection:
        connection.execute("CREATE VIEW hosts AS FROM read_text('/etc/hostname')")
        connection.execute("CREATE OR REPLACE VIEW sae_summary AS FROM read_text('/etc/hostname')")
    with Store.open(store.root) as opened:
        for sql in ("FROM hosts", "saes"):
            with pytest.raises(QueryError, match="file system operations are disabled"):
                opened.fetch(sql)


def test_a_view_in_the_place_of_the_state_is_not_asked(store: Store) -> None:
    store.close()
    with duckdb.connect(store.database) as connection:
        connection.execute("DROP TABLE store_state")
        connection.execute(
            "CREATE VIEW store_state AS SELECT sum(a.range * b.range)::INT AS schema_version, 1 AS revision "
            "FROM range(10000000) AS a, range(10000000) AS b"
        )
    with pytest.raises(StoreUnreadable, match="not one of saetui"):
        Store.open(store.root)


@pytest.mark.parametrize("value", ["NULL", "'x'", "1e300"])
def test_a_state_of_wrong_types(store: Store, value: str) -> None:
    store.close()
    with duckdb.connect(store.database) as connection:
        connection.execute(f"CREATE OR REPLACE TABLE store_state AS SELECT {value} AS schema_version, 'x' AS revision")
    with pytest.raises(StoreError, match="store_state is damaged"):
        Store.open(store.root)
