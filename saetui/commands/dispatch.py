"""From what a person gives, text or command, to what the workbench does; keys, the prompt and replay all come here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saetui.commands.parse import parse
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import screens

if TYPE_CHECKING:
    from saetui.commands.command import Command
    from saetui.workbench.workbench import Workbench


def prepare(bench: Workbench, given: Command | str, *, anywhere: bool = False) -> Command:
    """The command with all its arguments filled in, ready to be performed.

    Raises CommandError, StoreError or JobError where it cannot be done; with ``anywhere`` it may be on another screen
    than its own.
    """
    command = parse(given) if isinstance(given, str) else given
    if not anywhere:
        require_here(bench, type(command), named=bool(command.values()))
    return command.resolved(bench)


def require_here(bench: Workbench, cls: type[Command], *, named: bool = False) -> None:
    """CommandError, which says where it works, unless a command can be done here and now.

    A ``named`` one has its arguments given, so that it does not need what is under the cursor.
    """
    if not cls.works_on(bench.screen) and not cls.elsewhere:
        raise CommandError(f"{cls.verb}: {_where(cls)}")
    obstacle = cls.obstacle(bench, named=named)
    if obstacle:
        raise CommandError(f"{cls.verb}: {obstacle}")


def _where(cls: type[Command]) -> str:
    own = [manifest for name, manifest in screens().items() if cls.works_on(name)]
    keys, titles = " or ".join(m.key for m in own), " and ".join(m.title.lower() for m in own)
    return f"only on the {titles} screen{'s' if len(own) > 1 else ''}; press {keys}"


def dispatch(
    bench: Workbench, given: Command | str, *, visit: bool = True, anywhere: bool = False, shared: bool = False
) -> Command:
    """Do a command (or the text of one) and record it; returns it with all its arguments filled in.

    ``visit=False`` is for moving a cursor, as ``Workbench.perform`` does it.
    Raises CommandError, StoreError or JobError where it cannot be done, as ``prepare`` does; nothing is recorded then.
    """
    done = prepare(bench, given, anywhere=anywhere)
    bench.perform(done, visit=visit, shared=shared)
    return done
