"""What a disk, a damaged file or another program can do to a command, in words; and what of it lasts."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike, fsdecode
from time import monotonic

from saetui.commands.errors import user_errors
from saetui.visible import visible, visible_lines

# A trouble that comes and goes is told again after this time only.
_PATIENCE = 30.0
_LONGEST = 1000
_WORDS = {
    errno.ENOSPC: "the disk is full; make room on it",
    errno.EDQUOT: "your share of the disk is used up; make room in it",
    errno.EROFS: "is on a disk that may only be read; copy the store to a place of your own",
    errno.EACCES: "you may not read or write it; look at its owner and its permissions",
    errno.EPERM: "you may not read or write it; look at its owner and its permissions",
    errno.ENOENT: "is not there; it was moved or deleted",
    errno.ELOOP: "is a link that leads nowhere, or is not followed here; put the folder itself in its place",
    errno.ENOTDIR: "a part of this path is a file where a folder belongs",
    errno.EISDIR: "is a folder, not a file",
    errno.EIO: "the disk does not answer as it should",
    errno.ESTALE: "the disk of another machine is gone for the moment",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EMFILE: "too many files are open; close other programs, or raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine; close other programs",
}


def outside_errors() -> tuple[type[Exception], ...]:
    """What the world outside can do to a command; any other exception is a fault of this program."""
    return (*user_errors(), OSError, ValueError, OverflowError, RecursionError, MemoryError)


def told(problem: Exception) -> str:
    """What went wrong, for the person: which file, what is wrong with it, and what to do."""
    if isinstance(problem, user_errors()):
        text = str(problem)
    elif isinstance(problem, OSError):
        text = _told_of_file(problem)
    elif isinstance(problem, RecursionError):
        text = "what was read is nested too deeply to be understood; it is damaged, or no file of saetui"
    elif isinstance(problem, MemoryError):
        text = "there is not enough memory for this; close other programs, or ask for less"
    else:
        text = f"something that was read is damaged: {problem}"
    return visible_lines(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _told_of_file(problem: OSError) -> str:
    words = _WORDS.get(problem.errno or 0, problem.strerror or str(problem) or "cannot be used")
    name = problem.filename
    if isinstance(name, (bytes, PathLike)):
        name = fsdecode(name)
    return f"{visible(name)}: {words}" if isinstance(name, str) else words


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
