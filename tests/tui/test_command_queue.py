"""Commands that ask the store are done beside the interface, in order, and the interface goes on meanwhile."""

from functools import partial
from pathlib import Path
from threading import Event as Signal
from threading import current_thread

import pytest
from textual.message import Message

from saetui.commands.select import Token
from saetui.tui.command_queue import CommandQueue
from saetui.tui.frame.screen import WorkbenchScreen
from saetui.tui.messages import BenchEvent
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.events import AttentionEvent, Event, TableEvent
from saetui.workbench.workbench import Workbench
from store import QueryError

from .frame.running import running


def test_work_is_done_in_order_in_one_thread_and_answers_come_back() -> None:
    faults: list[Exception] = []
    queue = CommandQueue(faults.append)
    done: list[tuple[int, str]] = []
    go_on = Signal()
    queue.put(lambda: go_on.wait(10))
    for number in range(3):
        queue.put(partial(lambda n: done.append((n, current_thread().name)), number))
    answer = queue.ask(lambda: len(done))
    assert not queue.idle
    assert not answer.done()
    go_on.set()
    assert answer.result(10) == 3
    assert done == [(number, "saetui-commands") for number in range(3)]
    assert faults == []
    queue.close()


def test_what_goes_wrong_is_told_to_who_waits_or_else_as_a_fault() -> None:
    faults: list[Exception] = []
    queue = CommandQueue(faults.append)

    def fails() -> None:
        raise QueryError("no such table")

    queue.put(fails)
    with pytest.raises(QueryError, match="no such table"):
        queue.ask(fails).result(10)
    assert [str(fault) for fault in faults] == ["no such table"]
    assert queue.ask(lambda: "goes on").result(10) == "goes on"
    queue.close()


async def test_what_goes_on_with_an_answer_does_not_see_its_own_question_ahead_of_it(study: Path) -> None:
    async with running(study) as run:
        app = run.app
        seen: list[bool] = []
        for _ in range(3):
            app.read(lambda: None, lambda _: seen.append(app.command_queue.idle))
            await run.until(lambda: app.command_queue.idle)
        assert seen == [True] * 3
        # The count is right afterwards: what is given next is ahead again.
        go_on = Signal()
        app.read(lambda: go_on.wait(10), lambda _: seen.append(app.command_queue.idle))
        app.read(lambda: None, lambda _: seen.append(app.command_queue.idle))
        assert not app.command_queue.idle
        go_on.set()
        await run.until(lambda: len(seen) == 5)
        assert seen[3:] == [False, True]


async def test_the_interface_goes_on_while_the_store_is_slow_and_commands_keep_their_order(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved, answered = Token.resolved, Signal()

    def slow(command: Token, bench: Workbench) -> Token:
        assert answered.wait(10)
        return resolved(command, bench)

    monkeypatch.setattr(Token, "resolved", slow)
    async with running(study) as run:
        run.app.dispatch("token short")
        run.app.dispatch("letter t")
        table = next(iter(run.app.screen.query(QueryTable)))
        await run.press("j")
        assert table.cursor_index == 1
        assert not run.app.command_queue.idle
        assert run.bench.attention.letter is None
        assert run.bench.attention.token is None
        answered.set()
        await run.until(lambda: run.app.command_queue.idle)
        # Another letter forgets the word: it came last.
        assert (run.bench.attention.letter, run.bench.attention.token) == ("t", None)
        assert [place.attention.token for place in run.bench.history.places if place.attention.letter is None][
            -1
        ] == " short"


async def test_a_read_in_the_own_thread_of_the_interface_fails_the_test(
    study: Path, store_reads_on_the_interface: list[str]
) -> None:
    async with running(study) as run:
        run.bench.store.fetch("SELECT 1")
        assert store_reads_on_the_interface == []
        read: list[BaseException] = []

        def reads() -> None:
            try:
                run.bench.store.fetch("SELECT 1")
            except AssertionError as problem:
                read.append(problem)

        run.app.call_later(reads)
        await run.until(lambda: read)
        assert "the store is read in the interface's own thread" in str(read[0])
        assert len(store_reads_on_the_interface) == 1
        store_reads_on_the_interface.clear()


async def test_a_change_reaches_the_screen_in_one_event(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Event] = []
    posted = WorkbenchScreen.post_message

    def post_message(screen: WorkbenchScreen, message: Message) -> bool:
        if isinstance(message, BenchEvent):
            heard.append(message.event)
        return posted(screen, message)

    async with running(study) as run:
        monkeypatch.setattr(WorkbenchScreen, "post_message", post_message)
        run.app.dispatch("letter s")
        run.app.dispatch("sort fvu up")
        await run.until(lambda: len(heard) >= 2)
        await run.pilot.pause()
        assert [type(event) for event in heard] == [AttentionEvent, TableEvent]
        assert run.app.screen.query_one("#overview-saes", QueryTable).sorting[0].column == "fvu"
