"""Slow queries and long lines: keys go on working, escape and q end what takes long, and memory stays as it is."""

import asyncio
import contextlib
import resource
import sys
import time
from pathlib import Path

import pytest
from textual import events

from saetui.tui.panels.entry import LINE
from saetui.tui.table.halting import STOPPED
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.filter_columns import FilterColumn, FilterError
from saetui.workbench.row_filter import parse_filter
from store.reader import Reader
from tests.at_once import at_once

from .running import Running, running
from .terminal import Terminal

# Minutes of work for the database, of which nothing is kept.
SLOW = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE (a.range * 7 + b.range) % 1000003 = 1"
WORDS = (FilterColumn("name", "words"), FilterColumn("f1", "number"))

RUN = f"""
import sys; from pathlib import Path; from saetui.tui.start import run
from store.reader import Reader
fetch, armed = Reader.fetch, []
def slow(self, sql, /, **params):
    if "fvu" in sql and "DESC" in sql and not sql.startswith("DESCRIBE"):
        fetch(self, {SLOW!r})
    return fetch(self, sql, **params)
Reader.fetch = slow
sys.exit(run(Path(sys.argv[1])))
"""


@pytest.fixture
def slow_sorting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting takes forever."""
    fetch = Reader.fetch

    def slow(self: Reader, sql: str, /, **params: object) -> object:
        if "ORDER BY" in sql and '"fvu" DESC' in sql and not sql.startswith("DESCRIBE"):
            fetch(self, SLOW)
        return fetch(self, sql, **params)

    monkeypatch.setattr(Reader, "fetch", slow)


async def sort_slowly(run: Running) -> QueryTable:
    table = run.app.front_screen.table("overview.saes")
    assert table is not None
    run.app.dispatch("sort fvu down")
    await run.until(lambda: not table.up_to_date)
    await asyncio.sleep(0.6)
    return table


async def test_escape_stops_a_slow_table(study: Path, slow_sorting: None) -> None:
    async with running(study, record=False) as run:
        table = await sort_slowly(run)
        await run.press("escape")
        await run.until(lambda: table.error == STOPPED)
        # Another order reads again.
        run.app.dispatch("unsort")
        await run.until(lambda: table.up_to_date and table.total == 3)


@pytest.mark.slow
async def test_keys_go_on_while_a_table_is_slow(study: Path, slow_sorting: None) -> None:
    async with running(study, record=False) as run:
        table = await sort_slowly(run)
        await run.press("7")
        await run.until(lambda: run.app.front_screen.NAME == "jobs")
        assert not table.up_to_date


@pytest.mark.slow
@pytest.mark.parametrize("key", ["q", "\x03"])
def test_leaving_does_not_wait_for_a_slow_query(study: Path, key: str) -> None:
    terminal = Terminal([sys.executable, "-c", RUN, study])
    try:
        terminal.wait_for("help")
        terminal.type(":sort fvu down\r")
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            terminal.read(0.1)
        terminal.type(key)
        # Long before the query would have ended.
        assert terminal.wait() == 0, terminal.last_words
        assert terminal.restored()
    finally:
        terminal.close()


def test_many_alternatives_are_one_test() -> None:
    words = parse_filter(" or ".join(f"w{i}" for i in range(1000)), WORDS)
    values = parse_filter(" or ".join(f"f1={i}" for i in range(800)), WORDS)
    assert len(words.params) == len(values.params) == 1
    assert len(words.sql) < 200
    assert len(values.sql) < 200


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("x" * 500_000, "10,000 characters"),
        (" or ".join(f"f1 > {i}" for i in range(400)), "400 tests"),
        (" ".join(f"w{i}" for i in range(101)), "101 tests"),
        ("~" + "x" * 200, "100 letters"),
    ],
)
def test_more_than_a_filter_can_be_is_refused_at_once(line: str, word: str) -> None:
    with at_once(), pytest.raises(FilterError, match=word):
        parse_filter(line, WORDS)


@pytest.mark.parametrize("line", [" " * 9_999 + "x", "a" * 9_999, '"' + " " * 9_990, "a " * 40 + "b=" * 4000])
def test_no_line_takes_long_to_read(line: str) -> None:
    with at_once(), contextlib.suppress(FilterError):
        parse_filter(line, WORDS)


@pytest.mark.parametrize("key", ["slash", "colon", "ctrl+p", "n"])
async def test_a_long_paste_is_left_out_with_a_word(study: Path, key: str) -> None:
    async with running(study, record=False) as run:
        await run.until(lambda: run.bench.row is not None)
        await run.press(key)
        await run.until(lambda: run.app.focused is not None and len(run.app.screen_stack) > 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await run.pilot.pause(0.2)
        field = run.app.focused
        assert field is not None
        field.post_message(events.Paste("or x" * 125_000))
        await run.shows("characters; the rest was left out")
        assert len(getattr(field, "value", "") or getattr(field, "text", "")) <= LINE
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
        await run.press("escape")
        await run.until(lambda: len(run.app.screen_stack) == 1)


async def test_the_palette_finds_at_once_whatever_is_typed(study: Path) -> None:
    async with running(study, record=False) as run:
        await run.press("ctrl+p")
        began = time.process_time()
        await run.type("e " * 40)
        await run.type("aeiou")
        assert time.process_time() - began < 5
