"""Calls that are made later, unless something comes before: a delay, and the wait for a read that may be slow."""

from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer

# A read that takes longer is told of.
SLOW_SECONDS = 0.25


class Delay:
    """Makes one call after some seconds, in the queue of a widget or an app; a later call takes its place.

    A timer of Textual puts its call in the queue when its time is over, so that stopping the timer is too late for a
    call that waits there already; this one is not made any more.
    """

    def __init__(self, pump: MessagePump) -> None:
        self._pump = pump
        self._timer: Timer | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the call has yet to be made."""
        return self._timer is not None

    def begin(self, seconds: float, call: Callable[[], object]) -> None:
        """Make a call after some seconds, in place of the one that waits."""
        self.stop()

        def make() -> object:
            if self._timer is not timer:
                return None
            self._timer = None
            return call()

        timer = self._timer = self._pump.set_timer(seconds, make)

    def stop(self) -> None:
        """Do not make the call that waits."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None


class SlowRead:
    """Whether a read is under way, and for so long that it is told of: ``tell`` is called then."""

    def __init__(self, pump: MessagePump, tell: Callable[[], object]) -> None:
        self._delay = Delay(pump)
        self._tell = tell
        self.is_under_way = False

    @property
    def is_slow(self) -> bool:
        """Whether it has been under way for long."""
        return self.is_under_way and not self._delay.is_waiting

    def begin(self) -> None:
        """A read begins; the time of one that is under way already goes on."""
        if not self.is_under_way:
            self.is_under_way = True
            self._delay.begin(SLOW_SECONDS, self._tell)

    def end(self) -> None:
        """What was read is there, or will not come."""
        self._delay.stop()
        self.is_under_way = False
