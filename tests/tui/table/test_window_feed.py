"""One read at a time: the latest wish is answered, stale reads are stopped."""

from threading import Event, Thread
from typing import Any

import pytest

from saetui.tui.table.window_feed import WindowFeed
from saetui.tui.table.window_reader import WindowAnswer, Wish
from saetui.workbench.table_query import TableQuery
from store import QueryError, QueryInterrupted, Rows

QUERY = TableQuery("SELECT 1", key="one")


class SlowReader:
    """A reader whose first read goes on until it is interrupted."""

    def __init__(self, *, fails: bool = False) -> None:
        self.begun, self.stopped = Event(), Event()
        self.interrupts = 0
        self._slow, self._fails = True, fails

    def fetch(self, sql: str, /, **params: Any) -> Rows:
        if self._fails:
            raise QueryError("no such table")
        if self._slow:
            self._slow = False
            self.begun.set()
            assert self.stopped.wait(10)
            raise QueryInterrupted("stopped")
        if sql.startswith("DESCRIBE"):
            return Rows(("column_name", "column_type"), [("one", "INTEGER")])
        return Rows(("one",), [(1,)])

    def interrupt(self) -> None:
        self.interrupts += 1
        self.stopped.set()


def wish(generation: int, *, opening: bool = True) -> Wish:
    return Wish(generation, QUERY, (0,), opening)


def test_a_newer_question_stops_the_read_and_is_answered() -> None:
    reader = SlowReader()
    answers: list[WindowAnswer] = []
    feed = WindowFeed(lambda: reader, answers.append)
    assert feed.send(wish(1))
    thread = Thread(target=feed.run)
    thread.start()
    assert reader.begun.wait(10)
    assert not feed.send(wish(2))
    assert not feed.send(wish(3))
    thread.join(10)
    assert reader.interrupts >= 1
    assert [answer.generation for answer in answers if not answer.error] == [3]
    assert answers[0].error == "stopped"
    assert feed.send(wish(4)), "after the last answer a new read has to be started"


def test_rows_are_not_wanted_before_the_query_is_opened() -> None:
    feed = WindowFeed(SlowReader, lambda _: None)
    assert feed.send(wish(1))
    assert not feed.send(wish(1, opening=False))
    taken = feed._wish
    assert taken is not None
    assert taken.opening


@pytest.mark.parametrize("opening", [True, False])
def test_what_is_wrong_with_a_query_is_an_answer(opening: bool) -> None:
    answers: list[WindowAnswer] = []
    feed = WindowFeed(lambda: SlowReader(fails=True), answers.append)
    feed.send(wish(1, opening=opening))
    feed.run()
    assert [(answer.error, answer.opening) for answer in answers] == [("no such table", opening)]


def test_stopping_lets_go_of_what_waits() -> None:
    reader = SlowReader()
    answers: list[WindowAnswer] = []
    feed = WindowFeed(lambda: reader, answers.append)
    feed.send(wish(1))
    thread = Thread(target=feed.run)
    thread.start()
    assert reader.begun.wait(10)
    feed.send(wish(1))
    feed.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert [answer.error for answer in answers] == ["stopped"]
