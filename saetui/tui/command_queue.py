"""Commands that ask the store, done beside the interface: one thread, in the order in which they were given."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import wraps
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from saetui.tui.table.halting import SLOW_SECONDS

if TYPE_CHECKING:
    from saetui.tui.app import WorkbenchApp

P = ParamSpec("P")
T = TypeVar("T")


class CommandQueue:
    """Does one piece of work after another in a thread of its own, which is started with the first.

    ``fault`` is called in that thread with what a piece of work raises and nobody waits for.
    """

    def __init__(self, fault: Callable[[Exception], object]) -> None:
        self._fault = fault
        self._works: SimpleQueue[tuple[Callable[[], Any], Future[Any] | None] | None] = SimpleQueue()
        self._lock = Lock()
        self._n_waiting = 0
        self._thread: Thread | None = None
        self._began: float | None = None
        # Whether the piece of work in hand is counted as done already.
        self._handed_over = False

    @property
    def idle(self) -> bool:
        """Whether all that was given is done."""
        return self._n_waiting == 0

    @property
    def is_slow(self) -> bool:
        """Whether something takes so long that a person could want it stopped."""
        return self._began is not None and monotonic() - self._began > SLOW_SECONDS

    def put(self, work: Callable[[], object]) -> None:
        """Do something once all that was given before is done."""
        self._put(work, None)

    def ask(self, work: Callable[[], T]) -> Future[T]:
        """As ``put``, for somebody who waits for the answer, and is told of what goes wrong."""
        answer: Future[T] = Future()
        self._put(work, answer)
        return answer

    def hand_over(self) -> None:
        """Count the piece of work in hand as done; called by what goes on with its answer, while the thread waits.

        Otherwise what goes on would see its own question still ahead of it.
        """
        with self._lock:
            self._n_waiting -= 1
            self._handed_over = True

    def close(self) -> None:
        """End the thread, after what was given to it."""
        self._works.put(None)

    def _put(self, work: Callable[[], Any], answer: Future[Any] | None) -> None:
        with self._lock:
            self._n_waiting += 1
            if self._thread is None:
                # The end of the program does not wait for it: a read of the store can take long.
                self._thread = Thread(target=self._run, name="saetui-commands", daemon=True)
                self._thread.start()
        self._works.put((work, answer))

    def _run(self) -> None:
        while (given := self._works.get()) is not None:
            work, answer = given
            self._began = monotonic()
            try:
                found = work()
            except Exception as error:
                if answer is None:
                    self._fault(error)
                else:
                    answer.set_exception(error)
            else:
                if answer is not None:
                    answer.set_result(found)
            finally:
                self._began = None
                with self._lock:
                    self._n_waiting -= not self._handed_over
                    self._handed_over = False


def on_own_thread(method: Callable[Concatenate[WorkbenchApp, P], None]) -> Callable[Concatenate[WorkbenchApp, P], None]:
    """Have a method done in the interface's own thread, whichever it is called in."""

    @wraps(method)
    def there(app: WorkbenchApp, /, *arguments: P.args, **named: P.kwargs) -> None:
        if app.is_own_thread:
            method(app, *arguments, **named)
        elif not app.is_leaving:
            app.call_from_thread(method, app, *arguments, **named)

    return there
