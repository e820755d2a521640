"""All commands, in the order in which help and palette list them, and the keys they are bound to."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module

from saetui.commands import app, figures, navigate, note, select, study, table
from saetui.commands.command import Command
from saetui.workbench.screens import screens, screens_with

_BEFORE = tuple(module.__name__ for module in (table, select))
_AFTER = tuple(module.__name__ for module in (navigate, note, study, figures, app))


# What verbs were before, with what they mean now: sessions and people may still say so.
EARLIER_VERBS = {
    "halt": "cancel",
    "words": "only",
    "cases": "only",
    "map": "compare",
    "scaling": "compare",
    "absorber": "inspect",
    "measure": "study absorption",
    "errors": "study errors",
}


def commands() -> Mapping[str, type[Command]]:
    """All commands by verb, file by file: those of tables, those of each screen, and those of the frame."""
    return _commands((*_BEFORE, *(manifest.commands for manifest in screens().values() if manifest.commands), *_AFTER))


@lru_cache(maxsize=8)
def _commands(modules: tuple[str, ...]) -> Mapping[str, type[Command]]:
    return {
        cls.verb: cls
        for module in modules
        for cls in vars(import_module(module)).values()
        if isinstance(cls, type) and issubclass(cls, Command) and cls.__module__ == module and cls.verb
    }


def keys_of(screen: str | None) -> Iterator[tuple[str, type[Command], str]]:
    """``(key, command, arguments)`` bound on one screen, or with None those bound everywhere."""
    for cls in commands().values():
        belongs = screens_with(cls.verb)
        if screen in belongs or (screen is None and not belongs):
            yield from ((key, cls, arguments) for key, arguments in cls.keys.items())
