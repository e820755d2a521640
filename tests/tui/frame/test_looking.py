"""Moving a cursor is looking, on one screen; keys are about the row under the cursor of the focused table."""

from pathlib import Path

import pytest

from saetui.tui.absorption.screen import AbsorptionScreen
from saetui.tui.cards.fact_card import READING
from saetui.tui.hard_tokens.error_strips import ErrorStrips
from saetui.tui.letters.screen import LettersScreen
from saetui.tui.panels.note import NotePanel
from saetui.tui.table.query_table import QueryTable
from store.reads import Reads
from tests.tui.table.memory_store import title

from .running import Running, front, running


def focused(run: Running) -> QueryTable:
    table = run.app.front_screen.table(run.bench.focus)
    assert table is not None
    return table


async def rests(run: Running) -> None:
    """Wait until what the cursor looks at is shown everywhere on the screen in front."""
    screen = run.app.front_screen
    await run.pilot.pause(0.1)
    shown = [table for table in screen.query(QueryTable) if table.is_on_screen]
    await run.until(lambda: run.app.command_queue.idle and all(table.up_to_date for table in shown))


@pytest.mark.slow
async def test_the_cursor_on_hard_tokens_leaves_letter_and_word_of_other_screens(everything: Path) -> None:
    async with running(everything) as run:
        for line in ("letter s", "token so", "screen hard_tokens"):
            run.app.dispatch(line)
        await front(run, "hard_tokens")
        await run.until(lambda: focused(run).cursor_row is not None)
        seen = set()
        for _ in range(6):
            await run.press("j")
            await rests(run)
            row = focused(run).cursor_row or {}
            await run.until(lambda row=row: run.bench.attention.position == row["position"])
            seen.add(run.bench.attention.letter)
        assert len(seen) > 1
        for key in "23":
            await run.press(key)
            await front(run, "letters" if key == "2" else "absorption")
            assert (run.bench.attention.letter, run.bench.attention.token) == ("s", " so")
        await run.press("4")
        await front(run, "hard_tokens")
        await rests(run)
        row = focused(run).cursor_row or {}
        await run.press("enter")
        await run.until(lambda: not isinstance(run.app.focused, QueryTable))
        await run.press("3")
        await front(run, "absorption")
        assert (run.bench.attention.letter, run.bench.attention.token) == (row["letter"], row["surface"])


@pytest.mark.slow
@pytest.mark.parametrize("screen", ["letters", "absorption", "pursuit"])
async def test_no_cursor_changes_what_other_screens_are_about(everything: Path, screen: str) -> None:
    async with running(everything) as run:
        # An SAE with pursuits: without one the cursor stands on none.
        run.app.dispatch("sae w256-k4")
        run.app.dispatch(f"screen {screen}")
        await front(run, screen)
        await run.until(lambda: focused(run).cursor_row is not None)
        run.app.dispatch("screen jobs")
        await front(run, "jobs")
        before = run.bench.attention
        run.app.dispatch(f"screen {screen}")
        await front(run, screen)
        tables = len([table for table in run.app.front_screen.MANIFEST.tables if "" in table.pages])
        for _ in range(tables):
            await run.press("j", "j")
            await rests(run)
            await run.press("tab")
        assert run.bench.attention != before
        run.app.dispatch("screen jobs")
        await front(run, "jobs")
        assert run.bench.attention == before


@pytest.mark.slow
async def test_enter_on_a_letter_chooses_it_for_all_screens(everything: Path) -> None:
    async with running(everything) as run:
        run.app.dispatch("screen letters")
        await front(run, "letters")
        await run.until(lambda: run.bench.attention.letter == "a")
        await run.press("j", "j")
        await run.until(lambda: run.bench.attention.letter == "c")
        await run.press("enter", "3")
        await front(run, "absorption")
        assert run.bench.attention.letter == "c"
        await run.press("j")
        await run.until(lambda: run.bench.attention.letter == "d")
        await run.press("2")
        await front(run, "letters")
        assert run.bench.attention.letter == "c"


@pytest.mark.slow
async def test_a_note_is_on_the_row_under_the_cursor_however_quick(everything: Path) -> None:
    async with running(everything) as run:
        run.app.dispatch("open absorption/s/so?sae=w256-k4")
        await front(run, "absorption")
        screen = run.app.front_screen
        assert isinstance(screen, AbsorptionScreen)
        await run.until(lambda: screen.cases.cursor_key == " so")
        run.app.dispatch("focus absorption.cases")
        await run.until(lambda: screen.cases.has_focus)
        # Both keys come before anything that the first sets off is done.
        screen.cases.cursor_index += 1
        run.app.action_command("note")
        await run.until(lambda: isinstance(run.app.screen, NotePanel))
        panel = run.app.screen
        assert isinstance(panel, NotePanel)
        assert panel._subject.key == (screen.cases.row_at(screen.cases.cursor_index) or {})["surface"] != " so"


@pytest.mark.slow
async def test_panes_are_about_the_row_that_a_filter_brings_under_the_cursor(everything: Path) -> None:
    async with running(everything) as run:
        run.app.dispatch("open absorption/s/so?sae=w256-k4")
        await front(run, "absorption")
        screen = run.app.front_screen
        assert isinstance(screen, AbsorptionScreen)
        await run.until(lambda: screen.cases.cursor_key == " so")
        run.app.dispatch("focus absorption.cases")
        run.app.dispatch("filter verdict=fires")
        await run.until(lambda: screen.cases.cursor_key not in (None, " so"))
        word = screen.cases.cursor_key
        await run.until(lambda: run.bench.attention.token == word)
        await run.until(lambda: screen.card.facts is not None and screen.card.facts.case["surface"] == word)
        await run.until(lambda: screen.evidence.params["token"] == word)
        assert (run.bench.row or {})["surface"] == word
        run.app.dispatch("filter surface=nothing")
        await run.until(lambda: screen.cases.up_to_date and not screen.cases.total)
        await run.until(lambda: run.bench.row is None)


@pytest.mark.slow
async def test_a_word_that_is_not_listed_has_no_row_under_the_cursor(everything: Path) -> None:
    async with running(everything) as run:
        run.app.dispatch("focus overview.saes")
        run.app.dispatch("screen absorption")
        await front(run, "absorption")
        run.app.dispatch("focus absorption.cases")
        run.app.dispatch("filter verdict=fires")
        run.app.dispatch("open absorption/s/so?sae=w256-k4")
        screen = run.app.front_screen
        assert isinstance(screen, AbsorptionScreen)
        await run.until(lambda: screen.card.facts is not None and screen.card.facts.case["surface"] == " so")
        await run.until(lambda: screen.cases.up_to_date and screen.cases.total and screen.cases.cursor_row is None)
        await run.until(lambda: run.bench.row is None)
        assert run.bench.attention.token == " so"
        await run.press("n")
        await run.shows("put the cursor on")
        await run.press("j")
        first = (screen.cases.row_at(0) or {})["surface"]
        await run.until(lambda: run.bench.attention.token == first and (run.bench.row or {}).get("surface") == first)


@pytest.mark.slow
async def test_until_rows_have_come_title_and_rows_are_of_what_was_looked_at_before(
    everything: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(everything) as run:
        run.app.dispatch("open letters/s/18?sae=w256-k4")
        await front(run, "letters")
        screen = run.app.front_screen
        assert isinstance(screen, LettersScreen)
        await run.until(lambda: "latents of s" in title(screen.latents) and screen.card.facts is not None)
        await rests(run)
        held = [True]
        usual = Reads.run

        def slow(self, task):  # type: ignore[no-untyped-def]
            import time

            while held[0]:
                time.sleep(0.01)
            return usual(self, task)

        monkeypatch.setattr(Reads, "run", slow)
        before = [screen.latents.row_at(i) for i in range(3)]
        run.app.dispatch("letter t")
        await run.until(lambda: run.bench.attention.letter == "t" and not screen.latents.up_to_date)
        await run.until(lambda: "reading" in title(screen.latents))
        assert "latents of s" in title(screen.latents)
        assert "words of s" in title(screen.words)
        assert [screen.latents.row_at(i) for i in range(3)] == before
        assert run.bench.row_of("letters.latents") is None
        held[0] = False
        await run.until(lambda: "latents of t" in title(screen.latents) and "words of t" in title(screen.words))
        assert "reading" not in title(screen.latents)
        assert READING not in title(screen.card)


@pytest.mark.slow
async def test_the_strips_are_in_the_unit_of_the_table(everything: Path) -> None:
    async with running(everything) as run:
        run.app.dispatch("screen hard_tokens")
        await front(run, "hard_tokens")
        await run.until(lambda: focused(run).cursor_row is not None)
        strips = run.app.front_screen.query_one(ErrorStrips)
        await run.until(lambda: "by error norm" in str(strips.border_title))
        await run.press("u")
        await run.until(lambda: "by share of |x|" in str(strips.border_title))


@pytest.mark.slow
@pytest.mark.parametrize("table", ["letters.words", "absorption.map", "hard_tokens.scaling", "pursuit.tokens"])
async def test_a_table_that_is_asked_for_before_its_screen_is_there_has_the_focus_then(
    everything: Path, table: str
) -> None:
    async with running(everything) as run:
        screen = table.partition(".")[0]
        run.app.dispatch(f"screen {screen}")
        run.app.dispatch(f"focus {table}")
        await front(run, screen)
        await run.until(lambda: run.bench.focus == table and focused(run).has_focus and focused(run).display)
