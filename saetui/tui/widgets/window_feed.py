"""Runs the reads of one table in a thread: one at a time, the latest wish first, and stale reads interrupted."""

from collections.abc import Callable
from threading import Lock

from saetui.tui.widgets.row_window import Reader
from saetui.tui.widgets.window_reader import Reading, WindowReader, Wish
from store import StoreError


class WindowFeed:
    """``send`` takes wishes in the interface's thread; ``deliver`` is called with the answers in the reading one."""

    def __init__(self, open_reader: Callable[[], Reader], deliver: Callable[[Reading], object]) -> None:
        self._open_reader = open_reader
        self._deliver = deliver
        self._lock = Lock()
        self._wish: Wish | None = None
        self._reading: Wish | None = None
        self._reader: WindowReader | None = None

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
            if self._reading.generation != wish.generation and self._reader is not None:
                self._reader.interrupt()
            return False

    def run(self) -> None:
        """Answer wishes until there is none."""
        if self._reader is None:
            self._reader = WindowReader(self._open_reader())
        while True:
            with self._lock:
                wish, self._wish = self._wish, None
                self._reading = wish
            if wish is None:
                return
            try:
                self._deliver(self._reader.read(wish))
                if self._wish is None and self._reader.needs_fences():
                    self._reader.build_fences()
            except StoreError as error:
                # An interrupted read fails as well; its answer is stale by then and nobody waits for it.
                self._deliver(Reading(wish.generation, opening=wish.opening, error=str(error)))

    def stop(self) -> None:
        """Let go of what is read and of what waits."""
        with self._lock:
            self._wish = None
            if self._reading is not None and self._reader is not None:
                self._reader.interrupt()
