"""All commands, in the order in which help and palette list them, and the keys they are bound to."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import import_module

from saetui.commands import app, figures, navigate, note, select, study, table
from saetui.commands.command import Command
from saetui.plugins import imported, leave_out
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import GROUP, added_screens, screens, screens_with

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
    """All commands by verb, file by file: those of tables, those of each screen, and those of the frame.

    A verb or a key that another package's screen gives to a second command is left out.
    """
    manifests = screens()
    of_screens = tuple(manifest.commands for manifest in manifests.values() if manifest.commands)
    others = tuple((manifests[name].commands, name, package) for name, package in added_screens().items())
    others = tuple(other for other in others if other[0])
    return _commands((*_BEFORE, *of_screens, *_AFTER), others)


@lru_cache(maxsize=8)
def _commands(modules: tuple[str, ...], others: tuple[tuple[str, str, str], ...]) -> Mapping[str, type[Command]]:
    by_module = {module: _commands_in(module) for module in modules if module not in {module for module, *_ in others}}
    for module, name, package in others:
        taken = [cls for classes in by_module.values() for cls in classes]
        by_module[module] = list(_of_another(module, name, package, taken))
    return {cls.verb: cls for module in modules for cls in by_module[module]}


def _commands_in(module: str) -> list[type[Command]]:
    return [
        cls
        for cls in vars(import_module(module)).values()
        if isinstance(cls, type) and issubclass(cls, Command) and cls.__module__ == module and cls.verb
    ]


def _of_another(module: str, name: str, package: str, taken: Sequence[type[Command]]) -> Iterator[type[Command]]:
    """The commands of another package's screen, without the verbs and keys that are taken."""
    try:
        imported(GROUP, module, CommandError)
    except CommandError as problem:
        leave_out(GROUP, name, package, problem, part=f"every command of {name!r}")
        return
    groups = {cls.verb: cls.group for cls in taken}
    for cls in _commands_in(module):
        if cls.verb in groups or cls.verb in EARLIER_VERBS:
            reason = f"{groups.get(cls.verb, EARLIER_VERBS.get(cls.verb))} has that verb"
            leave_out(GROUP, name, package, f"{GROUP}: {reason}", part=f"the command {cls.verb!r}")
            continue
        bound = {key: other.verb for other in taken if _scope(other) & _scope(cls) for key in other.keys}
        for key in cls.keys.keys() & bound.keys():
            reason = f"{GROUP}: :{bound[key]} has that key"
            leave_out(GROUP, name, package, reason, part=f"the key {key} of the command {cls.verb!r}")
        cls.keys = {key: arguments for key, arguments in cls.keys.items() if key not in bound}
        yield cls


def _scope(cls: type[Command]) -> frozenset[str]:
    """The screens on which its keys are bound."""
    return screens_with(cls.verb, cls.group) or frozenset(screens())


def keys_of(screen: str | None) -> Iterator[tuple[str, type[Command], str]]:
    """``(key, command, arguments)`` bound on one screen, or with None those bound everywhere."""
    for cls in commands().values():
        belongs = screens_with(cls.verb, cls.group)
        if screen in belongs or (screen is None and not belongs):
            yield from ((key, cls, arguments) for key, arguments in cls.keys.items())
