"""The two outputs of the command line: messages go to standard error, data to standard output, all of it visible.

Nothing else prints (ruff's T20 checks that), so that no name, title or message of others reaches a terminal as it is.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from saetui.visible import visible_lines


def say(message: str, *, named: bool = True) -> None:
    """Say something on standard error, ``named`` with the program's name before it."""
    print(visible_lines(f"saetui: {message}" if named else message), file=sys.stderr, flush=True)


def put(text: str = "") -> None:
    """Print text on standard output."""
    with writing():
        print(visible_lines(text))


def put_json(data: object) -> None:
    """Print data as JSON, in ASCII: nothing hidden is written, and every reader has the text as it is."""
    with writing():
        print(json.dumps(data, indent=2))


@contextmanager
def writing() -> Iterator[None]:
    """What the reader of standard output does to a write is about "standard output"."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        if problem.filename is not None:
            raise
        raise OSError(problem.errno, problem.strerror, "standard output") from problem


def prepare() -> None:
    """Make both streams take any text: what their encoding lacks is replaced, and a closed stream swallows."""
    for name, errors in (("stdout", "replace"), ("stderr", "backslashreplace")):
        stream: Any = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


def finish() -> None:
    """Bring what was printed to its reader; OSError (BrokenPipeError where it left) about "standard output"."""
    try:
        with writing():
            sys.stdout.flush()
    except OSError:
        abandon()
        raise


def abandon() -> None:
    """Throw away what cannot be printed, so that the end of the process does not try again."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
