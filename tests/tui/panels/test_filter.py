"""The panel of filters: how a filter is written, completion, conditions in SQL, and what cannot be read."""

from pathlib import Path

from saetui.tui.panels.filter import FilterPanel
from saetui.tui.table.query_table import QueryTable
from tests.tui.frame.running import running


async def test_how_a_filter_is_written_stands_above_the_empty_line(study: Path) -> None:
    async with running(study) as run:
        await run.press("slash")
        await run.shows("~sth", "!sh", "a or b", "rate>5%", "word like '%ing' and not usable", "written twice")


async def test_tab_completes_the_names_of_columns_and_those_on_the_screen(study: Path) -> None:
    async with running(study) as run:
        await run.press("slash")
        await run.type("letter F")
        await run.shows("mean_letter_f1, a number")
        await run.press("tab")
        await run.type("> 0.1 and wid")
        await run.press("tab")
        await run.type("between 100 and 300")
        await run.press("enter")
        text = "letter F1 > 0.1 and width between 100 and 300"
        await run.until(lambda: run.bench.tables["overview.saes"].filter == text)
        await run.until(lambda: run.app.screen.query_one(QueryTable).total == 1)


async def test_a_condition_in_sql_acts_while_it_is_typed(study: Path) -> None:
    async with running(study) as run:
        table = run.app.screen.query_one(QueryTable)
        await run.press("slash")
        await run.type("name like 'w2%'")
        await run.until(lambda: table.total == 1)


async def test_what_is_no_condition_is_said_and_the_line_stays(study: Path) -> None:
    async with running(study) as run:
        await run.press("slash")
        await run.type("nam like 'w2%'")
        await run.press("enter")
        await run.shows('no column "nam"; the nearest is "name"')
        assert isinstance(run.app.screen, FilterPanel)
        assert run.bench.tables["overview.saes"].filter == ""


async def test_words_that_no_row_has_are_said_to_have_been_read_as_words(study: Path) -> None:
    async with running(study) as run:
        run.app.dispatch("filter naem lke w2")
        await run.shows("no row passes the filter naem lke w2, read as text to look for in any column: “naem”")
