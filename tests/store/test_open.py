"""Opening, making, upgrading and refusing stores."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from store import Store, StoreBusy, StoreError, StoreMissing, StoreNewer, StoreUnreadable, schema, upgrade
from store.connection import STORAGE_VERSION


@pytest.fixture
def later_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """One schema file more than there is; its number."""
    number = schema.newest_version() + 1
    extra = tmp_path / f"{number:04d}_later.sql"
    extra.write_text("ALTER TABLE note ADD COLUMN colour VARCHAR DEFAULT 'red';\nCREATE TABLE more (x INTEGER);")
    files = {**schema.schema_files(), number: extra}
    monkeypatch.setattr(upgrade, "schema_files", lambda: files)
    monkeypatch.setattr(upgrade, "newest_version", lambda: number)
    return number


def test_a_new_store_has_its_folders_and_stays_when_made_again(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "study"
    with Store.open(root, create=True) as store:
        assert store.root == root
        assert store.database.is_file()
        assert all(folder.is_dir() for folder in (store.tensors, store.spool, store.jobs))
        store.write("INSERT INTO mark VALUES ('sae', 'x', now()::TIMESTAMP)")
    with Store.open(root, create=True) as store:
        assert store.fetch("SELECT key FROM mark").rows == [("x",)]
    with Store.open(root / "saetui.duckdb") as store:
        assert store.root == root


def test_duckdb_1_5_can_read_what_is_written(store: Store) -> None:
    store.write("INSERT INTO mark VALUES ('sae', 'x', now()::TIMESTAMP)")
    tags = store.fetch("SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'saetui'").rows
    assert tags == [(f"{STORAGE_VERSION}+",)]
    # The header of a DuckDB file: a checksum, the magic bytes, the number of the storage version.
    header = store.database.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") < 69


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda path: None, StoreMissing, "there is no store here"),
        (lambda path: path.mkdir(), StoreMissing, "has no saetui.duckdb"),
        (lambda path: path.write_text("notes"), StoreUnreadable, "is a file; a store is a folder"),
    ],
)
def test_what_is_not_a_store_is_refused_and_named(
    tmp_path: Path, make: object, error: type[StoreError], message: str
) -> None:
    path = tmp_path / "study"
    make(path)  # type: ignore[operator]
    with pytest.raises(error, match=message) as caught:
        Store.open(path)
    assert str(path) in str(caught.value)
    if error is StoreMissing:
        assert not (path / "locks").exists()


@pytest.mark.parametrize("content", [b"", b"just some text\n" * 1000, b"\0" * 5000])
def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "saetui.duckdb").write_bytes(content)
    with pytest.raises(StoreUnreadable, match=r"saetui\.duckdb: (cannot be opened|is a DuckDB database, but not one)"):
        Store.open(tmp_path)


def test_a_truncated_database_is_refused(store: Store) -> None:
    store.close()
    whole = store.database.read_bytes()
    store.database.write_bytes(whole[:9000])
    with pytest.raises(StoreError, match=r"saetui\.duckdb"):
        Store.open(store.root).fetch("saes")


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "saetui.duckdb") as connection:
        connection.execute("CREATE TABLE t (x INTEGER)")
    with pytest.raises(StoreUnreadable, match="is a DuckDB database, but not one of saetui"):
        Store.open(tmp_path)


def test_a_database_that_this_process_has_open_itself_is_named(store: Store) -> None:
    store.close()
    with (
        duckdb.connect(store.database, read_only=True),
        pytest.raises(StoreBusy, match=r"is open in this process by `duckdb\.connect`"),
    ):
        Store.open(store.root)


def test_a_newer_store_says_so_and_stays_as_it_is(store: Store) -> None:
    store.write("UPDATE store_state SET schema_version = 99")
    store.close()
    before, known = store.database.read_bytes(), schema.newest_version()
    with pytest.raises(StoreNewer, match=rf"has schema version 99, but this saetui knows only {known}; update it with"):
        Store.open(store.root)
    assert store.database.read_bytes() == before


def test_an_older_store_is_upgraded_after_a_copy(store: Store, later_schema: int) -> None:
    store.write("INSERT INTO note SELECT 'n', 'sae', 'x', NULL, NULL, NULL, 'text', now()::TIMESTAMP, now()::TIMESTAMP")
    store.close()
    with Store.open(store.root) as upgraded:
        assert upgraded.fetch("SELECT text, colour FROM note").rows == [("text", "red")]
        assert upgraded.fetch("SELECT schema_version FROM store_state").rows == [(later_schema,)]
        assert upgraded.fetch("SELECT * FROM more").rows == []
    with duckdb.connect(store.root / f"saetui.v{later_schema - 1}.duckdb", read_only=True) as copy:
        assert copy.execute("SELECT text FROM note").fetchall() == [("text",)]
        assert copy.execute("SELECT schema_version FROM store_state").fetchall() == [(later_schema - 1,)]
    revision = upgraded_revision(store.root)
    assert upgraded_revision(store.root) == revision


def upgraded_revision(root: Path) -> int:
    with Store.open(root) as store:
        return store.revision


def test_a_failing_upgrade_leaves_the_store_as_it_was(store: Store, later_schema: int) -> None:
    store.close()
    later = upgrade.schema_files()[later_schema]  # type: ignore[attr-defined]
    later.write_text("CREATE TABLE more (x INTEGER); ALTER TABLE nope ADD COLUMN x DATE;")
    with pytest.raises(StoreError, match=f"schema file {later_schema:04d}_later.sql"):
        Store.open(store.root)
    with duckdb.connect(store.database, read_only=True) as connection:
        assert connection.execute("SELECT schema_version FROM store_state").fetchall() == [(later_schema - 1,)]
        assert connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'more'").fetchall() == [(0,)]


@pytest.mark.slow
def test_a_store_that_may_only_be_read(study_copy: Path) -> None:
    """As for a colleague: it can be asked, but nothing is written beside it."""
    program = """
import sys
from store import Store, StoreError
from tests.unprivileged import obey_permissions
obey_permissions()
with Store.open(sys.argv[1]) as store:
    assert store.fetch("SELECT count(*) FROM mark").rows == [(1,)]
    assert store.commit_spool().manifests == 0
    try:
        store.write("DELETE FROM mark")
    except StoreError as error:
        print(error)
"""
    for path in (study_copy, *study_copy.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = subprocess.run([sys.executable, "-c", program, str(study_copy)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "this store may only be read; copy it to a place of your own" in done.stdout


@pytest.fixture
def study_copy(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    root = Path(tempfile.mkdtemp()) / "study"
    root.parent.chmod(0o755)
    with Store.open(tmp_path / "study", create=True) as store:
        store.write("INSERT INTO mark VALUES ('sae', 'x', now()::TIMESTAMP)")
    shutil.copytree(store.root, root)
    shutil.rmtree(root / "locks")
    root.chmod(0o755)
    yield root
    shutil.rmtree(root.parent)


def test_importing_the_store_costs_nothing() -> None:
    heavy = {"duckdb", "polars", "pyarrow", "numpy", "torch", "psutil"}
    program = f"import sys, store; from store import Store, Spool; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_opening_and_asking_needs_only_duckdb(store: Store) -> None:
    store.close()
    program = f"""
import sys
from store import Store
with Store.open({str(store.root)!r}) as store:
    store.fetch("saes"), store.fetch("SELECT name FROM sae ORDER BY name LIMIT 3"), store.revision
assert not {{"polars", "pyarrow", "numpy", "torch", "psutil"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_store_that_is_left_open_ends_quietly(store: Store) -> None:
    store.close()
    program = f"from store import Store; s = Store.open({str(store.root)!r}); s.fetch('saes')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_schema_file_has_a_number_of_its_own() -> None:
    names = sorted(path.name for path in Path(schema.__file__).parent.glob("[0-9]*.sql"))
    assert [int(name.partition("_")[0]) for name in names] == list(range(1, len(names) + 1))
