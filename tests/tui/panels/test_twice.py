"""Keys that arrive together, as a slow line or a held key sends them: a panel is closed once, and nothing dies."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import TextArea

from saetui.commands.study import Study
from saetui.tui.panels.base import Panel
from saetui.tui.panels.confirm import ConfirmPanel
from saetui.tui.panels.figure import FigurePanel
from saetui.tui.panels.filter import FilterPanel
from saetui.tui.panels.note import NotePanel
from saetui.tui.panels.pick import PickPanel
from saetui.tui.panels.prompt import PromptPanel
from saetui.tui.panels.scroll import TextPanel
from tests.tui.frame.running import Running, running

# How each panel is opened, and what it is.
PANELS: dict[str, tuple[tuple[str, ...], type[Panel[Any]]]] = {
    "palette": (("ctrl+p",), PickPanel),
    "prompt": (("colon",), PromptPanel),
    "filter": (("slash",), FilterPanel),
    "sort": (("s",), PickPanel),
    "figures": (("F",), PickPanel),
    "export": (("e",), PromptPanel),
    "note": (("n",), NotePanel),
    "help": (("question_mark",), TextPanel),
    "query": (("Q",), TextPanel),
    "explain": (("i",), TextPanel),
    "figure": ((":figure absorption_rate",), FigurePanel),
    "export of a figure": ((":figure absorption_rate", "e"), PickPanel),
    "query of a figure": ((":figure absorption_rate", "Q"), TextPanel),
    "explanation of a figure": ((":figure absorption_rate", "i"), TextPanel),
    "question": ((":study demo",), ConfirmPanel),
}
PAIRS = (*product(("enter", "escape", "ctrl+s"), repeat=2), ("y", "y"), ("y", "n"), ("n", "y"))


async def open_panel(run: Running, name: str) -> Panel[Any]:
    keys, kind = PANELS[name]
    for key in keys:
        if key.startswith(":"):
            run.app.dispatch(key[1:])
            await run.until(lambda: isinstance(run.app.screen, Panel))
        else:
            if isinstance(run.app.screen, FigurePanel):
                view = run.app.screen.view
                await run.until(lambda view=view: view.figure is not None)
            await run.press(key)
    await run.until(lambda: isinstance(run.app.screen, kind))
    panel = run.app.screen
    assert isinstance(panel, kind)
    if isinstance(panel, NotePanel):
        await run.until(lambda: not panel.query_one(TextArea).read_only)
    return panel


async def close_all(run: Running) -> None:
    for _ in range(10):
        # What the prompt does it does after it has closed, and it may ask something then.
        await run.settled()
        await run.settled()
        if len(run.app.screen_stack) == 1:
            return
        await run.press("escape" if not isinstance(run.app.screen, ConfirmPanel) else "n")
    raise AssertionError(f"{run.app.screen} stays open")


@pytest.mark.slow
@pytest.mark.parametrize("name", PANELS)
async def test_a_panel_outlives_any_two_keys_that_come_together(
    name: str, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(study, record=False) as run:
        await run.until(lambda: run.bench.row is not None)
        started: list[str] = []
        monkeypatch.setattr(Study, "run", lambda *_: started.append("study"))
        for keys in PAIRS:
            await open_panel(run, name)
            run.together(*keys)
            await close_all(run)
            assert run.app.return_code is None, keys
            # Only a yes is one, and one is enough.
            assert len(started) == (name == "question" and keys[0] == "y"), keys
            started.clear()
            run.bench.show("overview")
