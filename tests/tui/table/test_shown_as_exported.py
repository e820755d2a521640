"""The table on a screen asks for what `Q` shows and an export writes."""

from pathlib import Path

import pytest

from saetui.tui.app import WorkbenchApp
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.screens import tables, tables_of
from saetui.workbench.tables import Table
from saetui.workbench.workbench import Workbench
from tests.made_stores import copy_of
from tests.tui.table.memory_store import until

SHOWN = list(dict.fromkeys(table.screen for table in tables().values() if table.sortable))


@pytest.fixture(scope="module")
def full_store(made_everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with rows for every table."""
    return copy_of(made_everything, tmp_path_factory.mktemp("full") / "store")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("screen", SHOWN)
async def test_every_table_asks_for_what_is_exported(full_store: Path, screen: str, size: tuple[int, int]) -> None:
    bench = Workbench.open(full_store)
    app = WorkbenchApp(bench, record=False)
    try:
        async with app.run_test(size=size) as pilot:
            for command in ("sae w256-k4", "letter s", f"screen {screen}"):
                app.dispatch(command)
            await until(pilot, lambda: screen == app.front_screen.NAME and app.front_screen.is_whole)
            shown = app.front_screen
            for table in tables_of(screen):
                app.dispatch(f"focus {table.id}")
                widget = shown.table(table.id)
                assert widget is not None
                # The last column is one that few terminals have room for.
                app.dispatch(f"sort {bench.columns(table.id)[-1].name} down table={table.id}")
                app.dispatch(f"filter {table.key}!=none table={table.id}")
                await until(pilot, lambda: app.command_queue.idle)
                await until(pilot, lambda widget=widget, table=table: widget.asked() == bench.asked(table.id))
                await until(pilot, lambda widget=widget: widget.loaded and widget.up_to_date)
                assert widget.error == ""

                def all_agree(widget: QueryTable = widget, table: Table = table) -> bool:
                    return shown.current_query() == widget.asked().text() == bench.query_of(table.id)

                # The row that came to another cursor may change what is looked at only now.
                await until(pilot, all_agree)
    finally:
        bench.close()
