"""Several processes on one store: they make room for each other, and say who does not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from store import Spool, Store, StoreBusy
from tests.store.conftest import latent

# A process of saetui that looks at a store, and does what it is told, line by line.
_PEER = """
import sys
from store import Store
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    for line in sys.stdin:
        print(eval(line, {"store": store}), flush=True)
"""
# Another program, with the database open.
_FOREIGN = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1] + "/saetui.duckdb", read_only=sys.argv[2] == "read")
print("ready", flush=True)
sys.stdin.read()
"""


class Process:
    """A Python program that is asked and answers, a line each."""

    def __init__(self, program: str, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.answer() == "ready"

    @property
    def pid(self) -> int:
        return self.process.pid

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.answer()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@contextmanager
def process(program: str, *args: str) -> Iterator[Process]:
    started = Process(program, *args)
    try:
        yield started
    finally:
        started.end()


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was never met"
        time.sleep(0.005)


def spooled(store: Store, number: int) -> None:
    with Spool(store.root, "job") as spool:
        spool.add("latent", [latent(f"sae-{number}", number)])


COUNT = 'store.fetch("SELECT count(*) FROM latent").rows[0][0]'


def test_a_commit_goes_through_while_others_look(store: Store) -> None:
    with process(_PEER, str(store.root)) as one, process(_PEER, str(store.root)) as two:
        for number in range(3):
            assert one.ask(COUNT) == two.ask(COUNT) == str(number)
            assert store.fetch("SELECT count(*) FROM latent").rows == [(number,)]
            revision = int(one.ask("store.revision"))
            spooled(store, number)
            start = time.monotonic()
            report = store.commit_spool()
            assert (report.manifests, report.held_by) == (1, None)
            assert store.revision == revision + 1
            for peer in (one, two):
                while int(peer.ask("store.revision")) == revision:
                    assert time.monotonic() - start < 10


@pytest.mark.slow
def test_processes_commit_at_once(store: Store) -> None:
    """Three committers, one spool: every result is taken once, by whichever comes first."""
    with process(_PEER, str(store.root)) as one, process(_PEER, str(store.root)) as two:
        for number in range(8):
            spooled(store, number)
        for peer in (one, two):
            peer.tell("store.commit_spool().manifests")
        own = store.commit_spool()
        taken = own.manifests + int(one.answer()) + int(two.answer())
        until(lambda: store.commit_spool().waiting == 0)
        assert taken == 8
        assert store.fetch("SELECT count(*) FROM latent").rows == [(8,)]
        assert one.ask(COUNT) == "8"


@pytest.mark.slow
def test_notes_from_two_processes_at_once(store: Store) -> None:
    sql = "INSERT INTO mark VALUES ('sae', $key, now()::TIMESTAMP)"
    add = f"""[store.write("{sql}", {{{{"key": "{{0}}" + str(i)}}}}) for i in range(8)]"""
    with process(_PEER, str(store.root)) as one, process(_PEER, str(store.root)) as two:
        one.tell(add.format("a"))
        two.tell(add.format("b"))
        one.answer(), two.answer()
    assert store.fetch("SELECT count(*) FROM mark").rows == [(16,)]


def test_a_foreign_reader_makes_results_wait_and_is_named(store: Store) -> None:
    spooled(store, 1)
    with process(_FOREIGN, str(store.root), "read") as other:
        # Looking goes on.
        assert store.fetch("SELECT count(*) FROM latent").rows == [(0,)]
        report = store.commit_spool()
        assert (report.manifests, report.waiting) == (0, 1)
        assert report.held_by is not None
        assert report.held_by.pid == other.pid
        assert "python" in report.held_by.program
        assert f"(PID {other.pid})" in str(report.held_by)
        assert store.fetch("SELECT count(*) FROM latent").rows == [(0,)]
        with pytest.raises(StoreBusy, match=rf"saetui\.duckdb is held by .*\(PID {other.pid}\); close it there"):
            store.write("DELETE FROM mark")
    assert store.commit_spool().manifests == 1
    assert store.fetch("SELECT count(*) FROM latent").rows == [(1,)]


def test_a_foreign_writer_keeps_a_store_from_opening_and_is_named(store: Store) -> None:
    store.close()
    with process(_FOREIGN, str(store.root), "write") as other:
        with pytest.raises(StoreBusy, match=rf"saetui\.duckdb is held by .*\(PID {other.pid}\)") as busy:
            Store.open(store.root)
        assert busy.value.holder is not None
        assert busy.value.holder.pid == other.pid
    with Store.open(store.root) as again:
        assert again.fetch("saes").rows == []


@pytest.mark.slow
def test_a_peer_that_stands_still_makes_results_wait_and_is_named(store: Store) -> None:
    spooled(store, 1)
    with process(_PEER, str(store.root)) as peer:
        assert peer.ask(COUNT) == "0"
        peer.process.send_signal(signal.SIGSTOP)
        report = store.commit_spool()
        assert (report.manifests, report.waiting) == (0, 1)
        assert report.held_by is not None
        assert report.held_by.pid == peer.pid
        assert store.fetch("SELECT count(*) FROM latent").rows == [(0,)]
        peer.process.send_signal(signal.SIGCONT)
        until(lambda: store.commit_spool().manifests == 1)
        assert peer.ask(COUNT) == "1"


def test_a_dead_peer_is_in_nobodys_way(store: Store) -> None:
    """One that died while it asked for room leaves a request behind; nobody waits for it."""
    (store.root / "locks" / "request").write_text("1")
    with process(_PEER, str(store.root)) as peer:
        start = time.monotonic()
        assert peer.ask(COUNT) == "0"
        assert time.monotonic() - start < 2
        os.kill(peer.pid, signal.SIGKILL)
        peer.process.wait()
    assert not (store.root / "locks" / "request").exists()
    spooled(store, 1)
    assert store.commit_spool().manifests == 1


@pytest.mark.slow
def test_a_long_question_of_a_peer_gives_way_and_is_answered(store: Store) -> None:
    work = "SELECT count(*) FROM range(12000) AS a, range(12000) AS b WHERE (a.range * b.range) % 7 = 3"
    with process(_PEER, str(store.root)) as peer:
        expected = peer.ask(f'store.fetch("{work}").rows')
        peer.tell(f'store.fetch("{work}").rows')
        for number in range(3):
            spooled(store, number)
            until(lambda: store.commit_spool().waiting == 0, 30)
        assert peer.answer() == expected
        assert peer.ask(COUNT) == "3"
