"""The clock that orders the attempts of jobs: it never goes back, whatever the machine's clock does."""

import fcntl
import os
import time
from contextlib import suppress

from store.folder import Folder
from store.plain import open_plain

_DIGITS = 19
# No attempt is ever numbered from here on, so that the next number always has as many digits.
_END = 9 * 10 ** (_DIGITS - 1)
_PATIENCE = 2.0
_PAUSE = 0.002


def next_tick(folder: Folder) -> str:
    """A number of 19 digits above all that were given out before: the time in nanoseconds, or one more than the last.

    Where the file that keeps the last one cannot be written, it is the time.
    """
    return _numbered(_moved(folder, time.time_ns(), 1))


def raise_clock(folder: Folder, attempt: str) -> None:
    """Let all later attempts come after this one, also where another machine, or a clock set back, numbered it."""
    if (seen := tick_of(attempt)) is not None:
        _moved(folder, seen, 0)


def tick_of(attempt: str) -> int | None:
    """The number that an attempt begins with; None where it has none that the clock can give."""
    digits = attempt[:_DIGITS]
    return (
        int(digits) if len(digits) == _DIGITS and digits.isascii() and digits.isdigit() and int(digits) < _END else None
    )


def _numbered(tick: int) -> str:
    return f"{tick:0{_DIGITS}d}"


def _moved(folder: Folder, at_least: int, beyond: int) -> int:
    """Move the clock to a time, or by a number of ticks beyond the last one where that is later."""
    with suppress(OSError):
        folder.locks.mkdir(parents=True, exist_ok=True)
        file = open_plain(folder.clock, os.O_RDWR | os.O_CREAT)
        try:
            _lock(file)
            last = tick_of(os.pread(file, _DIGITS, 0).decode("ascii", "replace"))
            if last is not None:
                at_least = max(at_least, last + beyond)
            # In place, so that a kill leaves the old number or the new one.
            os.pwrite(file, _numbered(at_least).encode(), 0)
        finally:
            os.close(file)
    return at_least


def _lock(file: int) -> None:
    """Keep others out until the file is closed; for a moment, since one that holds it may have been stopped."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                return
            time.sleep(_PAUSE)
