"""``i`` on every column of every table, on every page of every screen, at every breadth."""

from pathlib import Path

import pytest

from saetui.tui.panels.scroll import TextPanel
from saetui.workbench.filter_columns import plain
from saetui.workbench.screens import screens, tables_of
from tests.tui.frame.running import Running, running

OPENED = {
    "letters": "open letters/s/18?sae=w64-k4",
    "absorption": "open absorption/s?sae=w64-k4",
    "hard_tokens": "open hard_tokens/3/7",
    "pursuit": "screen pursuit",
}


async def ask(run: Running, place: str) -> str:
    """The text of the explanation under the cursor."""
    run.app.action_command("explain")
    await run.pilot.pause()
    panel = run.app.screen
    notices = [n.message for n in run.app._notifications]
    assert isinstance(panel, TextPanel), f"{place}: {notices}"
    text = str(panel._body)
    panel.action_close()
    await run.pilot.pause()
    return text


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 240])
@pytest.mark.parametrize("name", [name for name in screens() if name != "jobs"])
async def test_every_column_is_explained(name: str, columns: int, everything: Path) -> None:
    async with running(everything, size=(columns, 60), record=False) as run:
        if name in OPENED:
            run.app.dispatch(OPENED[name])
        await run.until(lambda: run.app.current_mode == name and run.app.front_screen.is_whole)
        await run.settled()
        n_asked = 0
        for table in tables_of(name):
            run.app.dispatch(f"focus {table.id}")
            await run.until(lambda table=table: run.bench.focus == table.id)
            await run.settled()
            widget = run.app.front_screen.table(table.id)
            if widget is None or not widget.columns:
                continue
            await run.until(lambda widget=widget: widget.loaded)
            for index, column in enumerate(widget.columns):
                if not column.label.strip():
                    continue
                widget.cursor_column = index
                text = await ask(run, f"{table.id} {column.key}")
                n_asked += 1
                row = widget.cursor_row
                if row is not None and run.bench.focus == table.id:
                    assert f"here   {column.written_of(row)}" in text, f"{table.id} {column.key}"
                # What SQL calls otherwise is said.
                differs = plain(column.label) != plain(column.key)
                assert (f"in SQL: {column.key}" in text) == differs, f"{table.id} {column.key}"
        assert n_asked >= 5
