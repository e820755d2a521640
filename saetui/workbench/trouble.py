"""What a disk, a damaged file or another program can do to a command, in words; and what of it lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from saetui.disk_errors import told as told_of_disk
from saetui.visible import visible_lines
from saetui.workbench.exceptions import user_errors

# A trouble that comes and goes is told again after this time only.
_PATIENCE = 30.0
_LONGEST = 1000


def outside_errors() -> tuple[type[Exception], ...]:
    """What the world outside can do to a command; any other exception is a fault of this program."""
    return (*user_errors(), OSError, ValueError, OverflowError, RecursionError, MemoryError)


def told(problem: Exception) -> str:
    """What went wrong, for the person: which file, what is wrong with it, and what to do."""
    if isinstance(problem, user_errors()):
        text = str(problem)
    elif isinstance(problem, OSError):
        text = told_of_disk(problem)
    elif isinstance(problem, RecursionError):
        text = "what was read is nested too deeply to be understood; it is damaged, or no file of saetui"
    elif isinstance(problem, MemoryError):
        text = "there is not enough memory for this; close other programs, or ask for less"
    else:
        text = f"something that was read is damaged: {problem}"
    return visible_lines(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


class Troubles:
    """What goes wrong again and again as long as it lasts: said once, and kept for the status line until it is over."""

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
        """Take what the outside world does to the block as a trouble, called ``what`` as long as it lasts."""
        try:
            yield
        except outside_errors() as problem:
            self.met(what, told(problem))
        else:
            self._now.pop(what, None)

    def met(self, what: str, text: str) -> None:
        """Say a trouble, unless it was said before."""
        self._now[what] = text
        before, at = self._said.get(what, ("", 0.0))
        if text != before or monotonic() - at > _PATIENCE:
            self._say(f"{what}: {text}")
        self._said[what] = (text, monotonic())
