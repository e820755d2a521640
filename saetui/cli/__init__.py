"""The ``saetui`` command: data on standard output, messages on standard error; exit code 0, 1 or 2."""

import os
import sys

from saetui.cli.guard import guarded, told
from saetui.cli.printing import finish, prepare, say, writing
from saetui.cli.work import open_last
from saetui.plugins import untold

# Set by the shell that asks what may come next; it then calls ``saetui`` without arguments.
_COMPLETE = "_SAETUI_COMPLETE"


def main() -> None:
    """Run the command line; a bare ``saetui`` opens the last store without loading anything it does not need."""
    prepare()
    try:
        _run()
    finally:
        if _COMPLETE not in os.environ:
            for words in untold():
                say(f"warning: {words}")


def _run() -> None:
    if len(sys.argv) == 1 and _COMPLETE not in os.environ:
        guarded(open_last)()
        return
    with told():
        from saetui.cli.subcommands import make_app

        try:
            # Commands end by themselves; what is left to fail here is help on its way out.
            with writing():
                make_app()(prog_name="saetui")
        finally:
            finish()
