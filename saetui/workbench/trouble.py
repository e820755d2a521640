"""Errors that come from a disk, a damaged file or another program, as messages; and those that last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from saetui.disk_errors import told as told_of_disk
from saetui.visible import visible_lines
from saetui.workbench.exceptions import user_errors

# A problem that comes and goes is reported again only after this time.
_PATIENCE = 30.0
_LONGEST = 1000


def outside_errors() -> tuple[type[Exception], ...]:
    """Errors that come from outside the program; any other exception is a bug."""
    return (*user_errors(), OSError, ValueError, OverflowError, RecursionError, MemoryError)


def told(problem: Exception) -> str:
    """The message for the person: which file, what is wrong with it, and what to do."""
    if isinstance(problem, user_errors()):
        text = str(problem)
    elif isinstance(problem, OSError):
        text = told_of_disk(problem)
    elif isinstance(problem, RecursionError):
        text = "what was read is nested too deeply to be understood; it is damaged, or not a file of saetui"
    elif isinstance(problem, MemoryError):
        text = "there is not enough memory for this; close other programs, or ask for less"
    else:
        text = f"something that was read is damaged: {problem}"
    return visible_lines(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


class Troubles:
    """Problems that recur as long as they last: reported once, and kept for the status line until they are over."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._now: dict[str, str] = {}
        self._said: dict[str, tuple[str, float]] = {}

    @property
    def lasting(self) -> str:
        """What is wrong now, in a few words; empty where nothing is."""
        return next(iter(self._now.copy()), "")

    @contextmanager
    def watched(self, what: str) -> Iterator[None]:
        """Treat errors from outside in the block as a trouble, called ``what`` as long as it lasts."""
        try:
            yield
        except outside_errors() as problem:
            self.met(what, told(problem))
        else:
            self._now.pop(what, None)

    def met(self, what: str, text: str) -> None:
        """Report a trouble, unless it was reported before."""
        self._now[what] = text
        before, at = self._said.get(what, ("", 0.0))
        if text != before or monotonic() - at > _PATIENCE:
            self._say(f"{what}: {text}")
        self._said[what] = (text, monotonic())
