"""All commands, in the order in which help and palette list them, and the keys they are bound to."""

from collections.abc import Iterator, Mapping
from functools import cache

from saetui.commands import (
    absorption,
    app,
    figures,
    hard_tokens,
    jobs,
    letters,
    navigate,
    note,
    pursuit,
    select,
    study,
    table,
)
from saetui.commands.command import Command

_FILES = (table, select, letters, absorption, hard_tokens, pursuit, navigate, note, jobs, study, figures, app)


@cache
def commands() -> Mapping[str, type[Command]]:
    """All commands by verb, file by file in the order above."""
    return {
        cls.verb: cls
        for module in _FILES
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Command) and cls.__module__ == module.__name__ and cls.verb
    }


def keys_of(screen: str | None) -> Iterator[tuple[str, type[Command], str]]:
    """``(key, command, arguments)`` bound on one screen, or with None those bound everywhere."""
    for cls in commands().values():
        if (cls.screens is None and screen is None) or (cls.screens is not None and screen in cls.screens):
            yield from ((key, cls, arguments) for key, arguments in cls.keys.items())
