"""From what a person gives, text or command, to what the workbench does; keys, the prompt and replay all come here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saetui.commands.parse import parse

if TYPE_CHECKING:
    from saetui.commands.command import Command
    from saetui.workbench.workbench import Workbench


def prepare(bench: Workbench, given: Command | str) -> Command:
    """The command with all its arguments filled in, ready to be performed.

    Raises CommandError, StoreError or JobError where it cannot be done.
    """
    command = parse(given) if isinstance(given, str) else given
    return command.resolved(bench)


def dispatch(bench: Workbench, given: Command | str, *, visit: bool = True) -> Command:
    """Do a command (or the text of one) and record it; gives it back with all its arguments filled in.

    ``visit=False`` is for moving a cursor: the place replaces the current step of the history.
    Raises CommandError, StoreError or JobError where it cannot be done; nothing is recorded then.
    """
    done = prepare(bench, given)
    bench.perform(done, visit=visit)
    return done
