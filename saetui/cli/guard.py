"""How the command line ends: what went wrong in one message; exit codes 0 success, 1 failure, 2 misuse."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NoReturn

from saetui.cli.printing import abandon, finish, say
from saetui.visible import visible_lines

# Set to anything, it has the traceback printed before the message.
TRACEBACK = "SAETUI_TRACEBACK"


def guarded(command: Callable[..., int]) -> Callable[..., None]:
    """A subcommand that ends the process with its exit code, or with a message where something went wrong."""

    @wraps(command)
    def guarded(*arguments: Any, **options: Any) -> None:
        with told():
            code = command(*arguments, **options)
            finish()
        sys.exit(code)

    return guarded


@contextmanager
def told() -> Iterator[None]:
    """Whatever is raised in the block ends the process with one message and a non-zero exit code."""
    try:
        yield
    except KeyboardInterrupt:
        fail("interrupted", code=130)
    except BrokenPipeError:
        # The reader of our output left; nothing is wrong, and nothing more can be said to it.
        abandon()
        sys.exit(0)
    except Exception as problem:
        _end(problem)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Report what went wrong and exit."""
    say(message)
    sys.exit(code)


def _end(problem: Exception) -> NoReturn:
    from saetui.disk_errors import told as told_of_disk
    from saetui.workbench.exceptions import UsageError, user_errors

    if os.environ.get(TRACEBACK):
        say("".join(traceback.format_exception(problem)), named=False)
    if isinstance(problem, user_errors()):
        fail(str(problem) or type(problem).__name__, code=2 if isinstance(problem, UsageError) else 1)
    if isinstance(problem, OSError):
        fail(told_of_disk(problem))
    if isinstance(problem, MemoryError):
        fail("there is not enough memory; close some programs, or ask for less at once")
    if isinstance(problem, RecursionError):
        fail(f"what was read is nested too deeply; it is damaged, or not a file of saetui{_kept(problem)}")
    if isinstance(problem, UnicodeError):
        fail(f"{_told_of_text(problem)}{_kept(problem)}")
    reason = visible_lines(str(problem)).partition("\n")[0]
    fail(f"unexpected error: {type(problem).__name__}: {reason}{_kept(problem)}")


def _told_of_text(problem: UnicodeError) -> str:
    if isinstance(problem, UnicodeEncodeError):
        return f"{problem.object[:80]!r} is no text that can be written as {problem.encoding}; rename what is called so"
    if isinstance(problem, UnicodeDecodeError):
        return f"{problem.object[problem.start : problem.start + 16]!r} is no {problem.encoding} text"
    return str(problem)


def _kept(problem: Exception) -> str:
    """Where the traceback is kept, for a bug report."""
    if os.environ.get(TRACEBACK):
        return ""
    from saetui.crash_log import keep_traceback

    try:
        return f"; the traceback is in {keep_traceback(problem)} ({TRACEBACK}=1 prints it)"
    except OSError:
        return f"; run it with {TRACEBACK}=1 to see the traceback"
