"""Delays and waits, above all of a pump whose queue is long when the time is over."""

import asyncio
import time

from textual.app import App
from textual.widget import Widget

from saetui.tui.delay import SLOW_SECONDS, Delay, SlowRead
from saetui.tui.table.title import TableTitle
from tests.tui.table.memory_store import title

MOMENT = 0.02


class Busy(Widget):
    """Does nothing else while it works, so that what comes waits in its queue."""

    async def work(self, seconds: float) -> None:
        """Keep the queue waiting, but not the loop, whose timers go on."""
        await asyncio.sleep(seconds)


async def test_a_delay_makes_its_call_once() -> None:
    async with App[None]().run_test() as pilot:
        calls: list[str] = []
        delay = Delay(pilot.app)
        delay.begin(MOMENT, lambda: calls.append("first"))
        assert delay.is_waiting
        delay.begin(MOMENT, lambda: calls.append("second"))
        await pilot.pause(3 * MOMENT)
        assert calls == ["second"]
        assert not delay.is_waiting


async def test_a_delay_waits_for_what_its_call_returns() -> None:
    async with App[None]().run_test() as pilot:
        done = asyncio.Event()

        async def call() -> None:
            await asyncio.sleep(0)
            done.set()

        Delay(pilot.app).begin(MOMENT, call)
        await asyncio.wait_for(done.wait(), 5)


async def test_a_call_that_waits_in_the_queue_is_not_made_once_the_delay_was_stopped() -> None:
    async with App[None]().run_test() as pilot:
        busy = Busy()
        await pilot.app.mount(busy)
        calls: list[str] = []
        delay = Delay(busy)
        delay.begin(MOMENT, lambda: calls.append("late"))
        busy.call_next(busy.work, 3 * MOMENT)
        busy.call_next(delay.stop)
        await pilot.pause(6 * MOMENT)
        assert calls == []


async def test_a_title_does_not_say_that_it_reads_after_the_rows_have_come() -> None:
    async with App[None]().run_test() as pilot:
        busy = Busy()
        await pilot.app.mount(busy)
        words = TableTitle(busy, "letters", counted=True)
        words.begin_read()
        busy.call_next(busy.work, 2 * SLOW_SECONDS)

        def come() -> None:
            words.end_read()
            words.show(25, "")

        busy.call_next(come)
        await pilot.pause(3 * SLOW_SECONDS)
        assert title(busy) == "letters 25"


async def test_a_read_is_told_of_once_it_is_slow() -> None:
    async with App[None]().run_test() as pilot:
        told: list[float] = []
        read = SlowRead(pilot.app, lambda: told.append(time.monotonic()))
        began = time.monotonic()
        read.begin()
        read.begin()
        assert (read.is_under_way, read.is_slow) == (True, False)
        await pilot.pause(1.5 * SLOW_SECONDS)
        assert (read.is_under_way, read.is_slow) == (True, True)
        assert len(told) == 1
        assert told[0] - began >= 0.9 * SLOW_SECONDS
        read.end()
        assert (read.is_under_way, read.is_slow) == (False, False)
