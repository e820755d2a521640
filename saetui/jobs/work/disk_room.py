"""Patience with a full disk: what took hours to make is not lost in a minute without room."""

import errno
import time
from collections.abc import Callable
from typing import TypeVar

from saetui.disk_errors import as_os_error
from saetui.jobs.context import TaskContext

T = TypeVar("T")

PATIENCE_S = 900.0
_PAUSE_S = 2.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def with_room(context: TaskContext, what: str, write: Callable[[], T]) -> T:
    """What ``write`` returns; while the disk is full it is tried again for a quarter of an hour, and the job says so.

    ``write`` must start from scratch each time: what a failed try has begun is gone.

    Raises:
        JobCancelled: the job was asked to stop while it waited.
    """
    began = time.monotonic()
    waited = False
    while True:
        try:
            result = write()
        except Exception as error:
            left = PATIENCE_S - (time.monotonic() - began)
            if not is_full(error) or left <= 0:
                raise
            if not waited:
                context.log(f"the disk is full; {what} waits for room, for {PATIENCE_S / 60:.0f} minutes at most")
            waited = True
            context.progress("wait for room on the disk", PATIENCE_S - left, PATIENCE_S, "s", what=what)
            time.sleep(min(_PAUSE_S, max(0.0, left)))
        else:
            if waited:
                context.log(f"there is room again; {what} is written")
            return result


def is_full(error: BaseException) -> bool:
    """Whether an exception, or what caused it, is a disk without room."""
    link: BaseException | None = error
    while link is not None:
        of_system = as_os_error(link)
        if of_system is not None and of_system.errno in _FULL:
            return True
        link = link.__cause__
    return False
