"""What can come next in a line that a person types."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from string import ascii_lowercase
from typing import TYPE_CHECKING

from saetui.commands.absorption import SHOWN
from saetui.commands.command import Argument, Command
from saetui.commands.hard_tokens import ONLY
from saetui.commands.pursuit import BUDGETS
from saetui.commands.study import STUDIES
from saetui.commands.vocabulary import commands
from saetui.plugins import architecture_names
from saetui.workbench.attention import METRICS, ORDERS, UNITS
from saetui.workbench.exceptions import CommandError
from saetui.workbench.subject import SUBJECTS
from saetui.workbench.tables import TABLES, tables_of
from saetui.workbench.token_choice import METHODS, WAYS
from saetui.workbench.user_path import user_path

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

_FILES = 40
# A folder of millions of files must not hold up the keys.
_LOOKED_AT = 5_000


@dataclass(frozen=True)
class Completion:
    """The whole line as it would be, and a word about it."""

    line: str
    help: str = ""


def completions(line: str, bench: Workbench) -> list[Completion]:
    """Lines that continue this one: verbs first, then the values of the argument being typed."""
    text = line.removeprefix(":")
    verb, space, tail = text.partition(" ")
    known = commands()
    if not space:
        begins = [known[name] for name in sorted(known) if name.startswith(verb)]
        within = [known[name] for name in sorted(known) if verb and verb in name and not name.startswith(verb)]
        return [Completion(cls.verb, cls.summary) for cls in (*begins, *within)]
    if verb not in known:
        return []
    head, _, word = tail.rpartition(" ")
    argument, given = _argument(known[verb], head, word)
    if argument is None:
        return []
    prefix = text[: len(text) - len(given)]
    values = _values(argument, bench, given)
    return [Completion(prefix + value, argument.help) for value in values if value.startswith(given)]


def _argument(cls: type[Command], head: str, word: str) -> tuple[Argument | None, str]:
    """The argument that the last word gives, and what of it is typed already."""
    arguments = cls.arguments()
    name, equals, value = word.partition("=")
    named = {a.name: a for a in arguments}
    if equals and name in named:
        return named[name], value.rpartition(",")[2]
    place = len([w for w in head.split() if "=" not in w])
    return (arguments[place], word) if place < len(arguments) else (None, word)


def _values(argument: Argument, bench: Workbench, given: str) -> Iterable[str]:
    if argument.complete == "file":
        return _files(given)
    source = SOURCES.get(argument.complete or "")
    return source(bench) if source is not None else ()


def _files(given: str) -> list[str]:
    folder, slash, name = given.rpartition("/")
    try:
        with os.scandir(user_path(folder + slash or ".")) as entries:
            shown = sorted(
                (e.name, e.is_dir())
                for e in islice(entries, _LOOKED_AT)
                if e.name.startswith(name) and (name.startswith(".") or not e.name.startswith("."))
            )
    except (OSError, CommandError):
        return []
    return [f"{folder}{slash}{entry}{'/' if is_folder else ''}" for entry, is_folder in shown[:_FILES]]


def _terms(_: Workbench) -> list[str]:
    from saetui.workbench.glossary import GLOSSARY

    return sorted(GLOSSARY)


def _screens(_: Workbench) -> list[str]:
    from saetui.workbench.workbench import SCREENS

    return list(SCREENS)


def _figures(_: Workbench) -> list[str]:
    from saetui.commands.figures import known_figures

    with suppress(CommandError):
        return list(known_figures())
    return []


SOURCES: dict[str, Callable[[Workbench], Iterable[str]]] = {
    "screen": _screens,
    "sae": lambda bench: ["next", "previous", *(s.name for s in bench.catalogue.saes)],
    "letter": lambda _: ascii_lowercase,
    "table": lambda bench: [t.id for t in tables_of(bench.screen)],
    "column": lambda b: [column.name for column in b.columns(b.focus)],
    "direction": lambda _: ("up", "down"),
    "subject": lambda _: SUBJECTS,
    "job": lambda bench: [job.id for job in reversed(bench.jobs)],
    "theme": lambda bench: bench.front.themes(),
    "link": lambda _: [f"{screen}/" for screen in {t.screen for t in TABLES.values()}],
    "term": _terms,
    "figure": _figures,
    "hook": lambda bench: sorted({s.hook_name for s in bench.catalogue.saes}),
    "study": lambda _: STUDIES,
    "metric": lambda _: METRICS,
    "cases": lambda _: SHOWN,
    "order": lambda _: ORDERS,
    "unit": lambda _: UNITS,
    "only": lambda _: ONLY,
    "step": lambda _: ("up", "down"),
    "ways": lambda _: WAYS,
    "method": lambda _: METHODS,
    "budget": lambda _: BUDGETS,
    "architecture": lambda _: architecture_names(),
}
