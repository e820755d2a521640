"""Asking a store: parameters, windows, threads, interruption, and commits in between."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pytest

from store import QueryError, QueryInterrupted, Spool, Store, StoreError, query_files
from tests.store.conftest import latent

# Minutes of work, and interruptible.
ENDLESS = "SELECT sum(sqrt(a.range * b.range)) FROM range(1000000) AS a, range(1000000) AS b"


def until(condition: object, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "the condition was never met"
        time.sleep(0.002)


def test_rows_are_tuples_columns_and_dictionaries(study: Store) -> None:
    rows = study.fetch(
        "SELECT latent, density FROM latent WHERE sae_id = $sae AND latent < $n ORDER BY 1", sae="wide", n=2
    )
    assert rows.columns == ("latent", "density")
    assert list(rows) == [(0, 0.0), (1, 0.01)]
    assert rows.column("density") == [0.0, 0.01]
    assert rows.dicts()[1] == {"latent": 1, "density": 0.01}
    assert len(rows) == 2
    with pytest.raises(KeyError):
        rows.column("nope")


@pytest.mark.parametrize(
    ("sql", "params", "message"),
    [
        ("SELECT $a + $b", {"a": 1}, r"the query needs a value for \$b"),
        ("SELECT $a", {"a": 1, "b": 2}, r"the query has no parameter \$b; it has \$a"),
        ("SELECT 1", {"b": 2}, r"the query has no parameter \$b; it has none"),
        ("SELEC 1", {}, "Parser Error"),
        ("SELECT nope FROM latent", {}, 'Referenced column "nope" not found'),
        ("DROP TABLE latent", {}, "read-only"),
    ],
)
def test_refused_questions(study: Store, sql: str, params: dict[str, int], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        study.fetch(sql, **params)
    with pytest.raises(QueryError, match=message):
        study.query(sql, **params)


def test_parameters_in_comments_and_texts_are_none(study: Store) -> None:
    assert study.fetch("SELECT '$a', $b -- $c", b=1).rows == [("$a", 1)]


def test_threads_ask_at_once(study: Store) -> None:
    def ask(number: int) -> int:
        return int(study.fetch("SELECT sum(range) + $n FROM range(1000)", n=number).rows[0][0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(64))) == [499_500 + number for number in range(64)]


def test_interrupting_one_reader_leaves_the_others(study: Store) -> None:
    slow, quick = study.reader(), study.reader()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(slow.fetch, ENDLESS)
        until(lambda: _is_reading(slow))
        assert quick.fetch("SELECT 1").rows == [(1,)]
        quick.interrupt()
        start = time.monotonic()
        while not running.done():
            slow.interrupt()
            time.sleep(0.002)
        assert time.monotonic() - start < 2
        with pytest.raises(QueryInterrupted, match="interrupted"):
            running.result()
    assert slow.fetch("SELECT 2").rows == [(2,)]


def _is_reading(reader: object) -> bool:
    return any(reading.cursor is not None for reading in reader._reads._readings)  # type: ignore[attr-defined]


def test_a_commit_in_between_is_seen_and_waited_for(store: Store) -> None:
    before = store.revision
    with Spool(store.root, "job") as spool:
        spool.add("latent", [latent("narrow", 1)])
    counts: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            counts.append(store.fetch("SELECT count(*) FROM latent").rows[0][0])

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        until(lambda: len(counts) > 5)
        store.commit_spool()
        asked = len(counts)
        until(lambda: len(counts) > asked + 5)
        ended.set()
        for task in asking:
            task.result()
    assert counts[0] == 0
    assert counts[-1] == 1
    assert store.revision == before + 1


@pytest.mark.slow
def test_a_long_read_is_started_again_after_a_commit(store: Store) -> None:
    """A read of half a second gives way to a commit, is not lost, and is not stopped forever by further commits."""
    work = "SELECT count(*) FROM range(12000) AS a, range(12000) AS b WHERE (a.range * b.range) % 7 = 3"
    expected = store.fetch(work).rows
    starts: list[float] = []

    def task(cursor: duckdb.DuckDBPyConnection) -> object:
        starts.append(time.monotonic())
        return cursor.execute(work).fetchall()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(store.reader()._reads.run, task)
        until(lambda: bool(starts))
        store.write("INSERT INTO mark VALUES ('sae', 'urgent', now()::TIMESTAMP)")
        n_commits = 0
        while not running.done():
            with Spool(store.root, "job") as spool:
                spool.add("latent", [latent(f"sae-{n_commits}", 1)])
            n_commits += store.commit_spool().manifests
        assert running.result() == expected
    assert len(starts) > 1
    until(lambda: store.commit_spool().waiting == 0)
    assert store.fetch("SELECT key FROM mark").rows == [("urgent",)]


def test_two_stores_of_one_process_share_their_hold(store: Store) -> None:
    with Store.open(store.root) as other:
        assert other.fetch("SELECT count(*) FROM mark").rows == [(0,)]
        store.write("INSERT INTO mark VALUES ('sae', 'x', now()::TIMESTAMP)")
        assert other.fetch("SELECT count(*) FROM mark").rows == [(1,)]
        assert other.revision == store.revision
    assert store.fetch("SELECT count(*) FROM mark").rows == [(1,)]


def test_writing_is_all_or_nothing(store: Store) -> None:
    add = "INSERT INTO mark VALUES ('sae', $key, now()::TIMESTAMP)"
    before = store.revision
    with pytest.raises(QueryError, match=r"Constraint Error|Duplicate key"):
        store.write_many([(add, {"key": "a"}), (add, {"key": "a"})])
    assert store.revision == before
    assert store.fetch("SELECT count(*) FROM mark").rows == [(0,)]
    store.write_many([(add, {"key": "a"}), (add, {"key": "b"})])
    assert store.revision == before + 1
    assert store.fetch("SELECT count(*) FROM mark").rows == [(2,)]


def test_a_closed_store_says_so(store: Store) -> None:
    reader = store.reader()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(reader.fetch, ENDLESS)
        until(lambda: _is_reading(reader))
        store.close()
        store.close()
        with pytest.raises(QueryInterrupted):
            running.result()
    with pytest.raises(StoreError, match="this store has been closed"):
        store.fetch("SELECT 1")


@pytest.mark.slow
def test_nothing_is_printed_and_nothing_installed(study: Store, capfd: pytest.CaptureFixture[str]) -> None:
    names = ("autoinstall_known_extensions", "autoload_known_extensions", "enable_progress_bar")
    settings = study.fetch(
        "SELECT name, value FROM duckdb_settings() WHERE list_contains($names, name)", names=list(names)
    )
    assert dict(settings.rows) == dict.fromkeys(names, "false")
    study.fetch("SELECT count(*) FROM range(20000) AS a, range(20000) AS b WHERE a.range + b.range = 7")
    assert capfd.readouterr() == ("", "")


def test_questions_are_answered_while_a_commit_is_written(store: Store) -> None:
    """They see what was there before it, and may not write, although the database is open for writing."""
    with store._residency.window(5.0) as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO mark VALUES ('sae', 'x', now()::TIMESTAMP)")
        assert store.fetch("SELECT count(*) FROM mark").rows == [(0,)]
        assert store.query("SELECT count(*) FROM mark").rows() == [(0,)]
        with pytest.raises(QueryError, match=r"read.only"):
            store.fetch("DELETE FROM mark")
        connection.execute("COMMIT")
        assert store.fetch("SELECT count(*) FROM mark").rows == [(1,)]
    assert store.fetch("SELECT count(*) FROM mark").rows == [(1,)]


def test_an_answer_as_an_arrow_table(study: Store) -> None:
    table = study.arrow("SELECT sae_id, width, [k] AS ks FROM sae WHERE width > $least ORDER BY width", least=4)
    assert table.to_pylist() == [
        {"sae_id": "narrow", "width": 8, "ks": [4.0]},
        {"sae_id": "wide", "width": 16, "ks": [4.0]},
    ]
    assert [str(kind) for kind in table.schema.types] == ["string", "uint32", "list<l: double>"]
    assert study.arrow("saes").column_names == list(study.fetch("saes").columns)
    assert study.arrow("SELECT 1 WHERE false").num_rows == 0
    with pytest.raises(QueryError, match="needs a value for \\$least"):
        study.arrow("SELECT $least")


def test_files_are_asked_apart_from_the_store(study: Store, tmp_path: Path) -> None:
    pl.DataFrame({"sae_id": ["narrow", "other"], "score": [1, 2]}).write_csv(tmp_path / "scores.csv")
    sql = "SELECT sae_id, width, score FROM saes JOIN read_csv($file) USING (sae_id)"
    found = query_files(sql, {"file": str(tmp_path / "scores.csv")}, saes=study.query("FROM sae"))
    assert found.rows() == [("narrow", 8, 1)]
    assert query_files("SELECT count(*) FROM saes", saes=study.arrow("FROM sae")).rows() == [(2,)]
    with pytest.raises(QueryError, match="sae does not exist"):
        query_files("FROM sae")


# One that computes for long before its first row, and one whose rows never end.
ROWS_WITHOUT_END = "FROM range(1000000000000)"
ASKED = {
    "fetch": lambda reader, sql: reader.fetch(sql),
    "query": lambda reader, sql: reader.query(sql),
    "arrow": lambda reader, sql: reader.arrow(sql),
    "a window": lambda reader, sql: reader.fetch(f"SELECT * FROM ({sql}) LIMIT 10 OFFSET {10**11}"),
    "the number": lambda reader, sql: reader.fetch(f"SELECT count(*) FROM ({sql}) WHERE random() > 2"),
}


@pytest.mark.parametrize("how", ASKED)
def test_every_way_of_asking_can_be_interrupted_and_makes_room(store: Store, how: str) -> None:
    for sql in (ENDLESS, ROWS_WITHOUT_END):
        reader = store.reader()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(ASKED[how], reader, sql)
            try:
                time.sleep(0.2)
                before = time.monotonic()
                store.write("DELETE FROM mark")
                assert not running.done()
                reader.interrupt()
                with pytest.raises(QueryInterrupted):
                    running.result(timeout=30)
                assert time.monotonic() - before < 30
            finally:
                reader.interrupt()
