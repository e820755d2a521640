"""The ``saetui`` command: data on standard output, the rest on standard error; exits 0 done, 1 failed, 2 bad use."""

import sys

from saetui.cli.guard import guarded
from saetui.cli.work import open_last


def main() -> None:
    """Run the command line; a bare ``saetui`` opens the last store without loading anything it does not need."""
    if len(sys.argv) == 1:
        guarded(open_last)()
        return
    from saetui.cli.subcommands import make_app

    make_app()()
