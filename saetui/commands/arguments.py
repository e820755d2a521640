"""The arguments of a command and their texts: from what a person typed or a session recorded, and back."""

import shlex
import types
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin

from saetui.commands.command import Argument, Command
from saetui.workbench.exceptions import CommandError

_TRUE = {"yes", "true", "on", "1"}
_FALSE = {"no", "false", "off", "0"}
# So much of a value is repeated in a message.
_LONGEST = 100


def build(cls: type[Command], given: Mapping[str, Any]) -> Command:
    """A command from named values (texts are converted), e.g. from a line of a session file."""
    own = {a.name: a for a in cls.arguments()}
    arguments = own | {a.name: a for a in cls.options(given)}
    unknown = [name for name in given if name not in arguments]
    if unknown:
        near = get_close_matches(unknown[0], arguments, n=1)
        hint = f"; nearest is {near[0]!r}" if near else f"; usage: {cls.usage()}"
        raise CommandError(f"{cls.verb}: no argument {unknown[0]!r}{hint}")
    missing = [a.name for a in arguments.values() if a.required and a.name not in given]
    if missing:
        raise CommandError(f"{cls.verb}: {missing[0]} is missing; usage: {cls.usage()}")
    values = {name: _converted(cls, arguments[name], value) for name, value in given.items()}
    further = tuple((name, values[name]) for name in arguments if name in values and name not in own)
    written = {name: value for name, value in values.items() if name in own}
    return cls(**written, **({"further": further} if further else {}))


def text_of(command: Command) -> str:
    """The line that gives this command when parsed."""
    arguments = command.arguments()
    if any(a.rest for a in arguments):
        rest = next(a for a in arguments if a.rest)
        return f"{command.verb} {getattr(command, rest.name)}".rstrip()
    words = [command.verb]
    positional = True
    for a in arguments:
        value = getattr(command, a.name)
        if not a.required and value == a.default:
            positional = False
            continue
        written = shlex.quote(_written(value))
        words.append(written if positional and "=" not in written else f"{a.name}={written}")
    words += [f"{name}={shlex.quote(_written(value))}" for name, value in command.further]
    return " ".join(words)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def split(cls: type[Command], tail: str) -> dict[str, str]:
    """The words after the verb, by the argument that each gives."""
    try:
        words = shlex.split(tail)
    except ValueError as problem:
        raise CommandError(f"{cls.verb}: a quotation mark is not closed in {tail!r}") from problem
    arguments = cls.arguments()
    names = {a.name for a in arguments}
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals and (name in names or name.isidentifier()):
            given[name] = value
            continue
        free = [a.name for a in arguments if a.name not in given]
        if not free:
            raise CommandError(f"{cls.verb}: {word!r} is one too many; usage: {cls.usage()}")
        given[free[0]] = word
    return given


def _converted(cls: type[Command], argument: Argument, value: Any) -> Any:
    kinds = _alternatives(argument.kind)
    if value is None and type(None) in kinds:
        return None
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _as(kind, value)
        except (ValueError, TypeError, OverflowError):
            continue
    wanted = " or ".join(_spoken(kind) for kind in kinds if kind is not type(None))
    raise CommandError(f"{cls.verb}: {argument.name} must be {wanted}, not {repr(value)[:_LONGEST]}")


def _alternatives(kind: Any) -> Sequence[Any]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _as(kind: Any, value: Any) -> Any:
    if get_origin(kind) is tuple:
        parts = value.split(",") if isinstance(value, str) else list(value)
        return tuple(_as(get_args(kind)[0], part) for part in parts if part != "")
    if kind is bool:
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(value)
        return word in _TRUE
    if kind is str and not isinstance(value, str | int | float):
        raise ValueError(value)
    if kind is int and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return kind(value)


def _spoken(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"a list like 1,2,3 of {_spoken(get_args(kind)[0])}"
    return {int: "a whole number", float: "a number", bool: "yes or no"}.get(kind, "text")
