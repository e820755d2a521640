"""``i`` gives the number that is shown where the cursor is: on every column of every table, on cards and plots."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from saetui.tui.app import WorkbenchApp
from saetui.tui.explained import Explained
from saetui.tui.frame.screen import WorkbenchScreen
from saetui.tui.panels.explain import explanation, walk_lines
from saetui.tui.table.column import Column
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.glossary import GLOSSARY
from saetui.workbench.screens import screens, tables_of
from saetui.workbench.workbench import Workbench
from tests.made_stores import copy_of
from tests.tui.pictures import CHOSEN
from tests.tui.table.memory_store import until

# Wide enough for all columns of every table, none of them scrolled away.
SIZE = (420, 60)
_BARS = frozenset("█▏▎▍▌▋▊▉ ")
WITH_TABLES = [name for name in screens() if any(table.sortable for table in tables_of(name))]


@pytest.fixture(scope="module")
def pictured(made_pictured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of(made_pictured, tmp_path_factory.mktemp("explained") / "store")


@asynccontextmanager
async def opened(store: Path, *commands: str) -> AsyncIterator[tuple[Pilot[Any], WorkbenchApp]]:
    bench = Workbench.open(store)
    app = WorkbenchApp(bench, record=False)
    try:
        async with app.run_test(size=SIZE) as pilot:
            for command in (CHOSEN, *commands):
                app.dispatch(command)
            await until(pilot, lambda: app.command_queue.idle and isinstance(app.screen, WorkbenchScreen))
            yield pilot, app
    finally:
        bench.close()


async def table_in_front(pilot: Pilot[Any], app: WorkbenchApp, name: str) -> QueryTable:
    """A table with its rows, the focus on it."""
    app.dispatch(f"focus {name}")
    await until(pilot, lambda: app.command_queue.idle and app.bench.focus == name)

    def found() -> QueryTable | None:
        return app.front_screen.table(name) if app.front_screen.is_whole else None

    await until(pilot, lambda: found() is not None)
    table = found()
    assert table is not None
    await until(pilot, lambda: table.has_focus and table.loaded and table.up_to_date and table.total > 0)
    # It is laid out, so that what it draws can be read.
    await until(pilot, lambda: table.cursor_row is not None and table.size.width > 0)
    return table


def cells(table: QueryTable) -> list[str]:
    """The cells of the cursor's row, as they are drawn."""
    layout = table._columns
    first = 0 if table._fold else 1
    line = table.render_line(first + table.cursor_index // table.across - int(table.scroll_y)).text
    at = table.cursor_index % table.across * table.scrollable_content_region.width // table.across
    return [line[at + left : at + left + width].strip() for left, width in zip(layout.left, layout.widths, strict=True)]


def agrees(value: str, cell: str, column: Column, row: list[str]) -> bool:
    """Whether a value is what a cell shows: cut where a text was, spelled out where bars are, in a strip its token."""
    if set(cell) <= _BARS and column.paint is not None:
        return value in row or value.replace("→", " ") in " ".join(row)
    if column.is_text and column.paint is not None:
        return value.split(" ")[0].lstrip("·") in cell
    if column.is_text and cell.endswith("…"):
        return value.startswith(cell[:-1])
    return value == cell


@pytest.mark.slow
@pytest.mark.parametrize("screen", WITH_TABLES)
async def test_the_number_given_is_the_one_shown(pictured: Path, screen: str) -> None:
    lookup = {"absorption": ("letter s",), "letters": ("letter s",)}.get(screen, ())
    async with opened(pictured, *lookup, f"screen {screen}") as (pilot, app):
        for spec in tables_of(screen):
            table = await table_in_front(pilot, app, spec.id)
            for metric in ("paper", "projection") if screen == "absorption" else ("",):
                if metric:
                    app.dispatch(f"metric {metric}")
                    await until(pilot, lambda metric=metric: app.bench.attention.metric == metric)
                    await until(pilot, lambda table=table: table.loaded and table.up_to_date and table.cursor_row)
                    await pilot.pause()
                for index, column in enumerate(table.columns):
                    table.cursor_column = index
                    await until(pilot, lambda: app.front_screen.explained()[0].value is not None)
                    # Once the table is where the column is seen whole.
                    await until(pilot, lambda table=table: round(table.scroll_x) == round(table.scroll_target_x))
                    await pilot.pause()
                    (found,) = app.front_screen.explained()
                    row = cells(table)
                    assert found.term in GLOSSARY, column
                    assert found.value is not None
                    assert agrees(found.value, row[index], column, row), (spec.id, column.key, found.value, row)
                    assert spec.title in found.of


@pytest.mark.slow
async def test_a_part_that_is_no_table_gives_its_own_number(pictured: Path) -> None:
    """Not that of the table that had the focus before."""
    async with opened(pictured, "screen hard_tokens") as (pilot, app):
        table = await table_in_front(pilot, app, "hard_tokens.tokens")
        await pilot.press("enter")
        await until(pilot, lambda: not table.has_focus and app.front_screen.explained()[0].value is not None)
        (strip,) = app.front_screen.explained()
        assert strip.term == "token_error_norm"
        assert "in w256-k4" in strip.of
        await pilot.press("c")
        await until(pilot, lambda: len(app.front_screen.explained()) > 1)
        card = {number.term: number.value for number in app.front_screen.explained()}
        assert card["token_error_norm"] == strip.value
        await pilot.press("i")
        await until(pilot, lambda: app.screen is not app.front_screen)
        app.pop_screen()
        app.dispatch("screen overview")
        await until(pilot, lambda: app.command_queue.idle and app.front_screen.NAME == "overview")
        overview = await table_in_front(pilot, app, "overview.saes")
        await pilot.press("tab", "tab")
        (plot,) = app.front_screen.explained()
        fvu = next(column for column in overview.columns if column.key == "fvu")
        rows = [overview.row_at(index) or {} for index in range(overview.total)]
        assert plot == Explained("fvu", fvu.written(next(r["fvu"] for r in rows if r["name"] == "w256-k4")), "w256-k4")


def test_a_unit_stands_after_a_number_that_counts_it_and_a_range_on_a_line_of_its_own() -> None:
    latent = explanation("latent", "966", "latent · latents").plain
    assert "here   966\nof     latent · latents\n" in latent
    assert "range  0 to width − 1" in latent
    assert "here   −3.63 logits\n" in explanation("effect", "−3.63").plain
    assert "here   97.5%\n" in explanation("absorption_rate", "97.5%").plain
    assert "here   –\n" in explanation("effect", "–").plain
    assert not [name for name, term in GLOSSARY.items() if any(character.isdigit() for character in term.unit)]


def step(k: int, latent: int, f1: float, gain: float | None, kind: str, n_main: int) -> dict[str, Any]:
    return {
        "k": k,
        "latent": latent,
        "f1": f1,
        "gain": gain,
        "step": kind,
        "n_main": n_main,
        "tau": 0.03,
        "top_token": " short",
    }


def test_the_walk_says_where_it_stopped_and_why() -> None:
    rows = [
        step(1, 412, 0.6, None, "main", 2),
        step(2, 88, 0.68, 0.08, "main", 2),
        step(3, 903, 0.7, 0.02, "stop", 2),
        step(4, 752, 0.9, 0.2, "after", 2),
    ]
    text = [line.plain for line in walk_lines("s", rows)]
    said = " ".join(text)
    assert "it stopped at k = 3, where latent 903 adds +0.020 to F1, no more than 0.03" in said
    assert "the 2 latents before it are the main latents" in said
    assert [line.split()[:3] for line in text[4:6]] == [["●", "1", "412"], ["●", "2", "88"]]
    assert text[6].startswith("✗   3    903")
    assert text[7].endswith("no main latent, though it adds more than 0.03: the walk had stopped")
    (_, nothing) = walk_lines("s", [])
    assert ":study absorption" in nothing.plain


@pytest.mark.slow
async def test_the_explanation_of_main_latents_shows_the_walk(pictured: Path) -> None:
    async with opened(pictured, "letter s", "screen absorption") as (pilot, app):
        table = await table_in_front(pilot, app, "absorption.letters")
        table.cursor_column = [column.key for column in table.columns].index("n_main")
        await until(pilot, lambda: table.cursor_key == "s")
        await pilot.press("i")
        await until(pilot, lambda: app.screen is not app.front_screen)
        asked = app.bench.parameters("main_latents")
        rows = app.bench.store.fetch("main_latents", **asked).dicts()

        def text() -> str:
            return str(app.screen.query_one(Static).visual)

        for line in walk_lines("s", rows):
            await until(pilot, lambda line=line: line.plain.strip() in text())
        assert (table.cursor_row or {})["n_main"] == rows[0]["n_main"]
