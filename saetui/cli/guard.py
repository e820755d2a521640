"""How a subcommand ends: known errors as one message; exit codes 0 done, 1 failed, 2 bad use."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn


def guarded(command: Callable[..., int]) -> Callable[..., None]:
    """A subcommand whose known errors end in one message and exit code 1."""

    @wraps(command)
    def guarded(*arguments: Any, **options: Any) -> None:
        from saetui.commands.errors import CommandError
        from saetui.jobs.errors import JobError
        from store.errors import StoreError

        try:
            code = command(*arguments, **options)
        except (CommandError, JobError, StoreError) as error:
            fail(str(error))
        except KeyboardInterrupt:
            fail("interrupted", code=130)
        except BrokenPipeError:
            # The reader of our output left; nothing is wrong, and nothing more can be said to it.
            sys.stdout = None
            code = 0
        sys.exit(code)

    return guarded


def fail(message: str, *, code: int = 1) -> NoReturn:
    print(f"saetui: {message}", file=sys.stderr)
    sys.exit(code)
