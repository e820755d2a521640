"""The app without a terminal: started on a store, waited for, and read as text."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from saetui.tui.app import WorkbenchApp
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.workbench import Workbench

PATIENCE = 10.0


@dataclass
class Running:
    """An app under way."""

    app: WorkbenchApp
    pilot: Pilot[int]

    @property
    def bench(self) -> Workbench:
        return self.app.bench

    @property
    def text(self) -> str:
        """What is on screen, line by line."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    async def press(self, *keys: str) -> None:
        """Keys, with what they set off."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Text into the field that has the focus, as pasting does: a key at a time takes a pilot long."""
        focused = self.app.focused
        if isinstance(focused, Input):
            focused.insert_text_at_cursor(text)
        elif isinstance(focused, TextArea):
            focused.insert(text)
        await self.pilot.pause()

    def together(self, *keys: str) -> None:
        """Keys that the terminal delivers in one read."""
        for key in keys:
            self.app.simulate_key(key)

    async def settled(self) -> None:
        """Wait until what was pressed is done, also by the commands that ask the store."""
        await self.pilot.pause()
        await self.until(lambda: self.app.command_queue.idle)
        await self.pilot.pause()

    async def until(self, condition: Callable[..., object]) -> None:
        """Wait for a condition."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while not condition():
            if asyncio.get_running_loop().time() > end:
                raise TimeoutError(f"the condition was never met:\n{self.text}")
            await self.pilot.pause(0.01)

    async def shows(self, *texts: str) -> None:
        """Wait until texts are on screen."""
        for text in texts:
            await self.until(lambda text=text: text in self.text)

    async def hides(self, text: str) -> None:
        """Wait until a text is gone."""
        await self.until(lambda: text not in self.text)


@asynccontextmanager
async def running(store: Path, *, size: tuple[int, int] = (120, 40), record: bool = True) -> AsyncIterator[Running]:
    """The app on a store, once its first table has its rows."""
    bench = Workbench.open(store)
    app = WorkbenchApp(bench, record=record)
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            run = Running(app, pilot)
            await run.until(lambda: all(table.loaded for table in app.screen.query(QueryTable)))
            await pilot.pause()
            yield run
    finally:
        bench.close()


async def front(run: Running, screen: str) -> None:
    """Wait until a screen is in front, with all its parts."""
    await run.until(
        lambda: run.bench.screen == screen == run.app.front_screen.NAME and run.app.front_screen.focused is not None
    )
