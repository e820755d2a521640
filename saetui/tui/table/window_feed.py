"""Runs the reads of one table in a thread: one at a time, the latest wish first, and stale reads interrupted."""

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from saetui.tui.table.halting import STOPPED, HaltingReader
from saetui.tui.table.row_window import RowSource
from saetui.tui.table.window_reader import WindowAnswer, WindowReader, Wish
from saetui.workbench.filter_columns import FilterColumn
from saetui.workbench.table_query import TableQuery
from saetui.workbench.trouble import outside_errors, told


class WindowFeed:
    """``send`` takes wishes in the interface's thread; ``deliver`` is called with the answers in the reading one."""

    def __init__(self, open_reader: Callable[[], RowSource], deliver: Callable[[WindowAnswer], object]) -> None:
        self._open_reader = open_reader
        self._deliver = deliver
        self._lock = Lock()
        self._wish: Wish | None = None
        self._reading: Wish | None = None
        self._halting: HaltingReader | None = None
        self._reader: WindowReader | None = None
        self._described: tuple[str, tuple[FilterColumn, ...]] | None = None

    def send(self, wish: Wish) -> bool:
        """Take a wish in place of the one that waits; True where the caller must start :meth:`run` in a thread."""
        with self._lock:
            waiting = self._wish
            if waiting is not None and waiting.opening and waiting.generation == wish.generation:
                return False
            self._wish = wish
            if self._reading is None:
                self._reading = wish
                return True
            if self._reading.generation != wish.generation and self._halting is not None:
                self._halting.interrupt()
            return False

    def run(self) -> None:
        """Answer wishes until there is none; what goes wrong with one is its answer."""
        while True:
            with self._lock:
                wish, self._wish = self._wish, None
                self._reading = wish
            if wish is None:
                return
            self._deliver(self._answer(wish))
            self._keep_fences()

    def _answer(self, wish: Wish) -> WindowAnswer:
        try:
            if self._halting is None or self._reader is None:
                self._halting = HaltingReader(self._open_reader())
                self._reader = WindowReader(self._halting)
            self._halting.begin()
            reading = self._reader.read(wish)
            return replace(reading, filter_columns=self._columns_of(wish.query)) if wish.opening else reading
        except outside_errors() as error:
            # The answer to a wish that another one replaced is stale by then, and nobody waits for it.
            halted = self._halting is not None and self._halting.halted
            return WindowAnswer(wish.generation, opening=wish.opening, error=STOPPED if halted else told(error))
        finally:
            if self._halting is not None:
                self._halting.end()

    def _columns_of(self, query: TableQuery) -> tuple[FilterColumn, ...]:
        """What the rows can be narrowed and sorted by, which is asked once for each query."""
        assert self._halting is not None
        if self._described is None or self._described[0] != query.sql:
            self._described = (query.sql, query.columns(self._halting))
        return self._described[1]

    def _keep_fences(self) -> None:
        """Read ahead what deep windows need, unless something is waited for."""
        if self._wish is not None or self._reader is None or not self._reader.needs_fences():
            return
        try:
            self._reader.build_fences()
        except outside_errors():
            return  # Whoever needs them reads them again, and is told then.

    def halt(self) -> bool:
        """Stop a slow read in progress; return whether there was one."""
        return self._halting is not None and self._halting.halt()

    def stop(self) -> None:
        """Drop the current read and the one that waits."""
        with self._lock:
            self._wish = None
            if self._halting is not None:
                self._halting.close()
