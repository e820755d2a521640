"""What disks and people do to a store while it is used: every call ends in a StoreError with a sentence."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from store import Spool, Store, StoreError, StoreUnreadable, set_aside
from store import clock as clock_module
from store import upgrade as upgrade_module
from store.schema import newest_version
from tests.store.conftest import latent, sae


def spooled(root: Path) -> None:
    with Spool(root, "job") as spool:
        spool.add("sae", [sae("narrow", 8)])


def loop(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.symlink_to(path.name)


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def filed(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.write_text("a file")


def refused(call: Callable[[Store], object], store: Store) -> str | None:
    """What the store says of why it cannot do a thing; None where it does it."""
    try:
        call(store)
    except StoreError as error:
        return str(error)
    return None


CALLS: dict[str, Callable[[Store], object]] = {
    "fetch": lambda store: store.fetch("saes"),
    "query": lambda store: store.query("saes"),
    "arrow": lambda store: store.arrow("saes"),
    "revision": lambda store: store.revision,
    "write": lambda store: store.write("DELETE FROM mark"),
    "commit": lambda store: store.commit_spool(),
    "results_wait": lambda store: store.results_wait(),
    "set_aside": lambda store: set_aside(store.root),
    "spool": lambda store: spooled(store.root),
    "open": lambda store: Store.open(store.root).close(),
    "open again": lambda store: (store.close(), Store.open(store.root).close()),
    "create": lambda store: Store.open(store.root, create=True).close(),
    "close": lambda store: store.close(),
}


@pytest.mark.parametrize("harm", [loop, moved, filed], ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("what", ["", "spool", "locks", "saetui.duckdb"])
def test_no_call_lets_an_error_of_the_system_through(store: Store, what: str, harm: Callable[[Path], None]) -> None:
    spooled(store.root)
    harm(store.root / what)
    for name, call in CALLS.items():
        said = refused(call, store)
        assert said is None or str(store.root) in said, name
        assert said is None or "Errno" not in said, name


@pytest.mark.slow
def test_folders_and_files_that_may_not_be_read(tmp_path: Path) -> None:
    """In a process of its own, bound by permissions even as root."""
    program = """
import os, sys
from tests.store import test_trouble as t
from tests.unprivileged import obey_permissions
root = t.Path(sys.argv[1])
t.Store.open(root, create=True).close()
t.spooled(root)
(name,) = os.listdir(root / "spool")
obey_permissions()
for what in ("", "spool", f"spool/{name}", f"spool/{name}/manifest.json", f"spool/{name}/00000-sae.parquet", "locks",
             "locks/commit.lock", "saetui.duckdb"):
    path = root / what
    mode = path.stat().st_mode
    with t.Store.open(root) as store:
        path.chmod(0)
        for call in t.CALLS.values():
            said = t.refused(call, store)
            assert said is None or (str(root) in said and "Errno" not in said), said
        path.chmod(mode)
    assert os.path.exists(root / "spool" / name) or len(t.Store.open(root).fetch("FROM sae")) == 1, what
with t.Store.open(root) as store:
    store.commit_spool()
    assert store.fetch("SELECT sae_id FROM sae").rows == [("narrow",)]
print("done")
"""
    command = [sys.executable, "-c", program, str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr[-3000:]


@pytest.mark.parametrize("path", ["~nobody-of-this-name/s", "a\0b", "loop", "a?b", "a\\b"])
def test_paths_that_no_store_can_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    for create in (False, True):
        with pytest.raises(StoreError):
            Store.open(path, create=create)
    assert os.listdir(tmp_path) == ["loop"]


def test_a_store_that_may_only_be_read_is_looked_at_although_a_result_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    spooled(store.root)
    store.close()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))
    with Store.open(store.root) as opened:
        report = opened.commit_spool()
        assert (report.manifests, report.waiting, report.held_by) == (0, 1, None)
        assert "may only be read" in report.reason
        assert opened.fetch("saes").rows == []
        assert opened.results_wait()


LIMITED = """
import resource, sys
from store import Spool, Store, StoreError
from tests.store.conftest import sae
import store.commit, store.transaction, store.upgrade
root, size, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    with Store.open(root, create=what == "create") as store:
        report = store.commit_spool()
        print(report.manifests, report.rejected)
except StoreError as error:
    print("StoreError", error)
"""


def limited(root: Path, size: int, what: str) -> str:
    """What a process says that can write no file larger than ``size`` bytes, as on a disk that is about to be full."""
    command = [sys.executable, "-c", LIMITED, str(root), str(size), what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 4096, 20_000, 100_000, 150_000, 200_000, 300_000, 500_000])
def test_a_store_made_with_little_room_is_whole_or_not_there(tmp_path: Path, size: int) -> None:
    said = limited(tmp_path / "s", size, "create")
    assert said.startswith("StoreError") != (tmp_path / "s" / "saetui.duckdb").exists()
    assert [path.name for path in tmp_path.glob("s/saetui.*")] in ([], ["saetui.duckdb"])
    with Store.open(tmp_path / "s", create=True) as store:
        spooled(store.root)
        assert store.commit_spool().rows == 1


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 3, 100_000, 700_000])
def test_results_wait_where_there_is_no_room_for_them(store: Store, size: int) -> None:
    with Spool(store.root, "job") as spool:
        for number in range(20):
            spool.add("latent", [{**latent("s", number), "top_tokens": [os.urandom(3000).hex()] * 2}])
    store.close()
    said = limited(store.root, size, "commit")
    taken = said == "1 ()\n"
    assert taken if size > 500_000 else said.startswith("StoreError") and "room" in said
    with Store.open(store.root) as opened:
        assert len(opened.fetch("FROM latent")) == (20 if taken else 0)
        assert opened.commit_spool().rows == (0 if taken else 20)
        assert len(opened.fetch("FROM latent")) == 20


def test_a_copy_that_cannot_be_written_leaves_the_store_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Path, target: Path) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:1000])

    store.close()
    newest = newest_version()
    monkeypatch.setattr(upgrade_module, "newest_version", lambda: newest + 1)
    monkeypatch.setattr(shutil, "copyfile", half)
    with pytest.raises(StoreError, match="is not a whole copy of the database; make room"):
        Store.open(store.root)
    monkeypatch.undo()
    assert sorted(path.name for path in store.root.glob("saetui.*")) == ["saetui.duckdb"]
    Store.open(store.root).close()


def test_a_clock_with_a_damaged_file_still_numbers_attempts(store: Store) -> None:
    for content in ("", "x", "9" * 19, "-1", "٣" * 19):
        (store.root / "locks" / "attempt").write_text(content)
        spooled(store.root)
    assert store.commit_spool().manifests == 5
    os.unlink(store.root / "locks" / "attempt")
    os.mkfifo(store.root / "locks" / "attempt")
    assert clock_module.tick_of(Spool(store.root, "job").attempt) is not None


def test_a_result_that_cannot_be_removed_is_taken_in_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def barred(path: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    spooled(store.root)
    monkeypatch.setattr(Path, "rename", barred)
    assert [store.commit_spool().manifests for _ in range(3)] == [1, 0, 0]
    assert store.revision == 1 + store.fetch("SELECT count(*) FROM commit_log").rows[0][0]
    assert not store.results_wait()


def test_a_moved_store_says_so(store: Store) -> None:
    spooled(store.root)
    moved(store.root)
    with pytest.raises(StoreUnreadable, match="is not there; was the store moved or deleted"):
        store.write("DELETE FROM mark")
