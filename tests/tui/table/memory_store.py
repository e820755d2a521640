"""A store in memory for tables under test, an app around one widget, and waiting for what it does."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import duckdb
from textual.app import App, ComposeResult
from textual.content import Content
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from saetui.tui.app import WorkbenchApp
from saetui.tui.frame.screen import WorkbenchScreen
from store import QueryError, QueryInterrupted, Rows

S = TypeVar("S", bound=WorkbenchScreen)


class MemoryReader:
    """Reads from a database in memory as a store's reader does."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.fetched: list[str] = []

    def fetch(self, sql: str, /, **params: Any) -> Rows:
        self.fetched.append(sql)
        try:
            result = self._connection.execute(sql, params or None)
            return Rows(tuple(column[0] for column in result.description or ()), result.fetchall())
        except duckdb.InterruptException as error:
            raise QueryInterrupted(str(error)) from error
        except duckdb.Error as error:
            raise QueryError(str(error)) from error

    def interrupt(self) -> None:
        self._connection.interrupt()


class MemoryStore:
    """Named queries on a database in memory."""

    def __init__(self, queries: Mapping[str, str] | None = None) -> None:
        self.connection = duckdb.connect()
        self.queries = dict(queries or {})
        self.readers: list[MemoryReader] = []

    def sql_of(self, name: str) -> str:
        if name not in self.queries:
            raise QueryError(f"there is no query {name!r}")
        return self.queries[name]

    def reader(self) -> MemoryReader:
        self.readers.append(MemoryReader(self.connection.cursor()))
        return self.readers[-1]


class WidgetApp(App[None]):
    """An app of one widget that keeps the messages it sees."""

    CSS = "Screen { layout: vertical; }"

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self._widgets = widgets
        self.seen: list[Message] = []
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        yield from self._widgets

    def action_note_key(self, key: str) -> None:
        self.pressed.append(key)

    def seen_of(self, kind: type[Message]) -> list[Any]:
        """Messages of a kind, each once although it passes several widgets."""
        return list({id(message): message for message in self.seen if isinstance(message, kind)}.values())


async def until(pilot: Pilot[Any], condition: Callable[..., object], seconds: float = 30.0) -> None:
    """Let the app go on until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        # A pause of the pilot would ask every widget whether it is done, which takes longer than most waits.
        await asyncio.sleep(0.005)
        pilot.app.screen._on_timer_update()


async def in_front(pilot: Pilot[Any], screen: type[S]) -> S:
    """The screen of a class, once all commands given are done and it has all its parts."""
    app = pilot.app
    assert isinstance(app, WorkbenchApp)
    await until(pilot, lambda: app.command_queue.idle and isinstance(app.screen, screen) and app.screen.is_whole)
    await pilot.pause()
    assert isinstance(app.screen, screen)
    return app.screen


def shown(widget: Widget) -> list[str]:
    """The lines of a widget as text, without trailing space."""
    height = widget.scrollable_content_region.height
    return [widget.render_line(line).text.rstrip() for line in range(height)]


def title(widget: Widget) -> str:
    """The title on a widget's upper edge, without its styles."""
    return Content.from_markup(widget.border_title or "").plain
