"""Plays what a process does to a store, killed by SIGKILL before each thing that it does, and looks at what is left.

A program of its own: ``python killed.py SCENE FOLDER`` prints one JSON object. The scene is played in forked children:
once to write down every step (each change to a file or folder, each SQL statement of a writer that is no question, each
mark of ``store.steps``), then once for each step, killed when that step is about to be done. The scene "bulk" is killed
at eight moments instead, which fall inside what the database does. After every kill another child
recovers as the next start of the program would, and must find every finished result in the store exactly once.
"""

import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

# Imported before the forks, so that no child has to; it is used in the children alone.
import duckdb
import polars as pl

import store.orders
import store.schema
import store.upgrade
from store import Store
from store.spool import Spool
from store.steps import EVENT

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_TIME = datetime(2026, 1, 2)
_BULK = 250_000
_MOMENTS = 8
_IN_MEMORY = ":memory:"


class Steps:
    """Counts steps, and kills this process when the one with the given number is about to be done."""

    def __init__(self, folder: Path, fatal: int | None) -> None:
        self.names: list[str] = []
        self._folder = str(folder)
        self._fatal = fatal
        self._connect = duckdb.connect

    def install(self) -> None:
        sys.addaudithook(self._heard)
        setattr(duckdb, "connect", self._connected)  # noqa: B010

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event == EVENT:
            self._take(str(args[0]))
        elif event == "open" and str(args[0]).startswith(self._folder) and args[2] & _WRITING:
            self._take(f"open {Path(args[0]).name}")
        elif event in _CHANGES:
            self._take(f"{event} {Path(str(args[0])).name}")

    def _connected(self, path: Any = _IN_MEMORY, **options: Any) -> Any:
        connection = self._connect(path, **options)
        writes = path != _IN_MEMORY and not options.get("read_only")
        return _Heard(connection, self._take) if writes else connection

    def _take(self, name: str) -> None:
        if self._fatal == len(self.names):
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)


class _Heard:
    """A connection whose statements, and whose end, are steps."""

    def __init__(self, connection: Any, take: Callable[[str], None]) -> None:
        self._connection = connection
        self._take = take

    def execute(self, sql: str, *args: Any) -> Any:
        if not sql.startswith("SELECT"):
            self._take(f"sql {' '.join(sql.split())[:40]}")
        return self._connection.execute(sql, *args)

    def close(self) -> None:
        self._take("sql close")
        self._connection.close()

    def cursor(self) -> Any:
        return _Heard(self._connection.cursor(), self._take)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


# What is spooled, and what the store must say once it is committed.


def _spool(root: Path, job: str, shift: int = 0, flushes: int = 2) -> None:
    with Spool(root, job) as spool:
        spool.add("mark", [{"subject": "latent", "key": job, "created": _TIME}])
        for part in range(flushes):
            rows = range(part * 10, part * 10 + 10)
            spool.add(
                "latent_activation",
                pl.DataFrame(
                    {
                        "context": [row // 4 for row in rows],
                        "position": [row % 4 for row in rows],
                        "latent": [row % 3 for row in rows],
                        "activation": [float(row + shift) for row in rows],
                    }
                ).with_columns(sae_id=pl.lit(job), corpus_id=pl.lit("c")),
            )
            spool.flush()


def _activations(root: Path) -> dict[str, list[float]]:
    with Store.open(root) as store:
        found = store.fetch("SELECT sae_id, list(activation ORDER BY activation) FROM latent_activation GROUP BY ALL")
        index = store.fetch("SELECT sae_id, sum(len(latents)) FROM token_latent GROUP BY sae_id")
    values = dict(found.rows)
    assert {sae: len(rows) for sae, rows in values.items()} == dict(index.rows), "the two orders differ"
    return values


def _whole(shift: int = 0, flushes: int = 2) -> list[float]:
    return [float(value + shift) for value in range(10 * flushes)]


def _spool_is_clean(root: Path) -> None:
    assert [path.name for path in (root / "spool").iterdir()] == []


# The scenes: what is there before, what is played, and what must hold afterwards.


def _before_flush(root: Path) -> None:
    Store.open(root, create=True).close()


def _after_flush(root: Path) -> None:
    """A worker dies: its finished flushes are there, all of them whole; run again, the job gives its rows once."""
    with Store.open(root) as store:
        assert store.commit_spool().rejected == ()
    assert _activations(root).get("a", []) in ([], _whole(flushes=1), _whole())
    _spool(root, "a", shift=100)
    with Store.open(root) as store:
        store.commit_spool()
        assert store.fetch("SELECT count(*) FROM mark").rows == [(1,)]
    assert _activations(root) == {"a": _whole(100)}
    _spool_is_clean(root)


def _before_commit(root: Path) -> None:
    Store.open(root, create=True).close()
    _spool(root, "a")


def _play_commit(root: Path) -> None:
    with Store.open(root) as store:
        store.fetch("SELECT 1")
        store.commit_spool()


def _after_commit(root: Path) -> None:
    """A committer dies: what readers see is whole results, and after the next commit all are there, once."""
    with Store.open(root) as store:
        n_committed = store.fetch("SELECT count(*) FROM commit_log").rows[0][0]
        assert _activations(root) == ({"a": _whole(flushes=n_committed)} if n_committed else {})
        store.commit_spool()
        assert store.fetch("SELECT job_id, n_rows::INT FROM commit_log ORDER BY ALL").rows == [("a", 10), ("a", 11)]
    assert _activations(root) == {"a": _whole()}
    _spool_is_clean(root)


def _before_bulk(root: Path) -> None:
    Store.open(root, create=True).close()
    rows = pl.int_range(_BULK, eager=True)
    for job in "ab":
        with Spool(root, job) as spool:
            place = {"context": rows // 50, "position": rows % 50}
            frame = pl.DataFrame({**place, "latent": rows % 97, "activation": rows})
            spool.add("latent_activation", frame.with_columns(sae_id=pl.lit(job), corpus_id=pl.lit("c")))


def _after_bulk(root: Path) -> None:
    """A committer dies in the middle of what the database does: each result is in the store whole or not at all."""

    def counts(table: str, value: str) -> list[int]:
        return [n for (n,) in store.fetch(f"SELECT sum({value})::BIGINT FROM {table} GROUP BY activation_set").rows]

    with Store.open(root) as store:
        for committed in (store.fetch("SELECT manifest FROM commit_log").rows, [None, None]):
            assert counts("activation_by_latent", "1") == [_BULK] * len(committed)
            assert counts("activation_by_token", "len(latents)") == [_BULK] * len(committed)
            store.commit_spool()
    _spool_is_clean(root)


def _play_write(root: Path) -> None:
    with Store.open(root) as store:
        store.write_many([("INSERT INTO mark VALUES ('sae', $key, $now)", {"key": key, "now": _TIME}) for key in "xy"])


def _after_write(root: Path) -> None:
    with Store.open(root) as store:
        before = store.revision
        assert store.fetch("SELECT count(*) FROM mark").rows in ([(0,)], [(2,)])
        store.write("DELETE FROM mark")
        assert store.revision == before + 1


def _play_create(root: Path) -> None:
    Store.open(root, create=True).close()


def _after_create(root: Path) -> None:
    with Store.open(root, create=True) as store:
        assert store.fetch("saes").rows == []
        store.write("DELETE FROM mark")


def _newer_schema(root: Path) -> None:
    """Let this process believe that there is one more schema file."""
    number = store.schema.newest_version() + 1
    extra = root.parent / f"{number:04d}_later.sql"
    extra.write_text(
        "ALTER TABLE note ADD COLUMN colour VARCHAR; INSERT INTO mark VALUES ('sae', 'new', now()::TIMESTAMP)"
    )
    files = {**store.schema.schema_files(), number: extra}
    store.schema.schema_files.cache_clear()
    for module in (store.upgrade, store.schema):
        setattr(module, "schema_files", lambda: files)  # noqa: B010


def _play_upgrade(root: Path) -> None:
    _newer_schema(root)
    setattr(store.upgrade, "newest_version", store.schema.newest_version)  # noqa: B010
    Store.open(root).close()


def _after_upgrade(root: Path) -> None:
    _play_upgrade(root)
    with Store.open(root) as upgraded:
        assert upgraded.fetch("SELECT count(*), count(colour) FROM note").rows == [(0, 0)]
        assert upgraded.fetch("SELECT key FROM mark ORDER BY ALL").rows == [("a",), ("new",)]
    before = store.schema.newest_version() - 1
    copy = root / f"saetui.v{before}.duckdb"
    with duckdb.connect(copy, read_only=True) as old:
        assert old.execute("SELECT count(*) FROM mark").fetchall() == [(1,)]
        assert old.execute("SELECT schema_version FROM store_state").fetchall() == [(before,)]


def _before_upgrade(root: Path) -> None:
    _before_commit(root)
    _play_commit(root)


_Play = Callable[[Path], None]
SCENES: dict[str, tuple[_Play, _Play, _Play]] = {
    "flush": (_before_flush, lambda root: _spool(root, "a"), _after_flush),
    "commit": (_before_commit, _play_commit, _after_commit),
    "bulk": (_before_bulk, _play_commit, _after_bulk),
    "write": (_before_flush, _play_write, _after_write),
    "create": (lambda root: None, _play_create, _after_create),
    "upgrade": (_before_upgrade, _play_upgrade, _after_upgrade),
}


def _started(play: Callable[[], None], report: Path) -> int:
    """Begin to run in a forked child; its process id. What goes wrong is written to ``report``."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            play()
            code = 0
        except BaseException:
            report.write_text(traceback.format_exc())
        finally:
            os._exit(code)
    return pid


def _status(pid: int) -> int:
    return os.waitpid(pid, 0)[1]


def _was_killed(status: int) -> bool:
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


class Theatre:
    """Plays one scene from the same beginning again and again."""

    def __init__(self, scene: str, folder: Path) -> None:
        self.before, self.play, self.after = SCENES[scene]
        self.folder, self.report = folder, folder / "report.txt"
        (folder / "template").mkdir(parents=True)
        self.check(self._run(lambda: self.before(folder / "template" / "s")) == 0, "the beginning")

    def check(self, good: bool, what: str) -> None:
        if not good:
            raise SystemExit(f"{what}\n{self.report.read_text() if self.report.exists() else ''}")

    def _run(self, play: Callable[[], None]) -> int:
        return _status(_started(play, self.report))

    def fresh(self) -> Path:
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        shutil.copytree(self.folder / "template", self.folder / "run")
        return self.folder / "run" / "s"

    def recovers(self, root: Path, when: str) -> None:
        self.check(self._run(lambda: self.after(root)) == 0, f"recovery after a kill {when}")

    def at_every_step(self) -> list[str]:
        """The steps, at each of which the scene was killed and recovered from."""
        written = self.folder / "steps.json"

        def played(root: Path, fatal: int | None) -> None:
            steps = Steps(root, fatal)
            steps.install()
            self.play(root)
            written.write_text(json.dumps(steps.names))

        root = self.fresh()
        self.check(self._run(lambda: played(root, None)) == 0, "the scene itself")
        self.recovers(root, "at the end")
        names: list[str] = json.loads(written.read_text())
        for fatal, name in enumerate(names):
            root = self.fresh()
            self.check(_was_killed(self._run(partial(played, root, fatal))), f"no kill at {name}")
            self.recovers(root, f"before step {fatal}, {name}")
        return names

    def at_moments(self) -> list[str]:
        """The moments, in seconds, at which the scene was killed and recovered from."""
        start = time.monotonic()
        root = self.fresh()
        self.check(self._run(lambda: self.play(root)) == 0, "the scene itself")
        whole = time.monotonic() - start
        self.recovers(root, "at the end")
        moments = [whole * (moment + 1) / (_MOMENTS + 1) for moment in range(_MOMENTS)]
        for moment in moments:
            root = self.fresh()
            pid = _started(partial(self.play, root), self.report)
            time.sleep(moment)
            os.kill(pid, signal.SIGKILL)
            _status(pid)
            self.recovers(root, f"after {moment:.3f} s")
        return [f"{moment:.3f} s" for moment in moments]


if __name__ == "__main__":
    # What a process has written survives its death in the system's memory; waiting for the disk proves nothing here.
    os.fsync = lambda descriptor: None  # type: ignore[assignment]
    theatre = Theatre(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.write(json.dumps(theatre.at_moments() if sys.argv[1] == "bulk" else theatre.at_every_step()))
