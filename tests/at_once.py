"""Whether something ends at once, or would go on forever: by its own CPU time, whatever else the machine does."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_once(seconds: float = 1.0) -> Iterator[None]:
    """Fail where what is done within takes this thread longer than so many seconds of CPU time.

    Garbage that other tests left is not collected meanwhile: with a large heap that alone takes most of a second.
    """
    gc.disable()
    began = time.thread_time()
    try:
        yield
        took = time.thread_time() - began
    finally:
        gc.enable()
    assert took < seconds, f"took {took:.2f} s of CPU time"
