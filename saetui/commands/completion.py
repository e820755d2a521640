"""What can come next in a line that a person types."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from string import ascii_lowercase
from typing import TYPE_CHECKING

from saetui.commands.command import Argument, Command
from saetui.commands.study import studies
from saetui.commands.vocabulary import commands
from saetui.plugins import architecture_names
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import screens, tables_of
from saetui.workbench.subject import SUBJECTS
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
    cls = known[verb]
    if verb == "filter":
        return _filters(f"{verb} ", tail, bench)
    head, _, word = tail.rpartition(" ")
    given = _given(cls, head)
    argument, typed = _argument(cls, given, word)
    found = []
    if argument is not None:
        prefix = text[: len(text) - len(typed)]
        values = _values(argument, bench, typed)
        found = [Completion(prefix + value, argument.help) for value in values if value.startswith(typed)]
    # Options have names that nobody can guess; the arguments before them are in the usage.
    if not found and "=" not in word:
        prefix = text[: len(text) - len(word)]
        left = [a for a in cls.options(given) if a.name not in given and a.name.startswith(word)]
        found = [Completion(f"{prefix}{option.name}=", option.help) for option in left]
    return found


def _filters(prefix: str, text: str, bench: Workbench) -> list[Completion]:
    from saetui.commands.filter_completion import filter_completions

    columns = bench.columns(bench.focus)
    offers = filter_completions(text, columns, bench.table.named_conditions(columns)) if text else []
    return [Completion(prefix + line, about) for line, about in offers]


def explained(line: str) -> list[tuple[str, str]]:
    """``(name, help)`` of the argument that the last word of a line gives, or else of all its command has."""
    verb, _, tail = line.removeprefix(":").lstrip().partition(" ")
    cls = commands().get(verb)
    if cls is None:
        return []
    head, _, word = tail.rpartition(" ")
    given = _given(cls, head)
    name, equals, _ = word.partition("=")
    arguments = (*cls.arguments(), *cls.options(given))
    one = [a for a in arguments if equals and a.name == name]
    return [(a.name, a.help) for a in one or arguments]


def _given(cls: type[Command], head: str) -> dict[str, str]:
    """What the words before the last one give, as far as one can tell."""
    free = [a.name for a in cls.arguments()]
    given: dict[str, str] = {}
    for word in head.split():
        name, equals, value = word.partition("=")
        left = [a for a in free if a not in given]
        if equals and name.isidentifier():
            given[name] = value
        elif left:
            given[left[0]] = word
    return given


def _argument(cls: type[Command], given: Mapping[str, str], word: str) -> tuple[Argument | None, str]:
    """The argument that the last word gives, and what of it is typed already."""
    name, equals, value = word.partition("=")
    named = {a.name: a for a in (*cls.arguments(), *cls.options(given))}
    if equals and name in named:
        return named[name], value.rpartition(",")[2]
    return next((a for a in cls.arguments() if a.name not in given), None), word


def _values(argument: Argument, bench: Workbench, given: str) -> Iterable[str]:
    if argument.complete == "file":
        return _files(given)
    if argument.words:
        return argument.words
    source = SOURCES.get(argument.complete) if isinstance(argument.complete, str) else argument.complete
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
    from saetui.workbench.glossary import glossary

    return sorted(glossary())


def _devices() -> list[str]:
    from saetui.jobs.devices import usable_names

    return usable_names()


def _figures(_: Workbench) -> list[str]:
    from saetui.commands.figures import known_figures

    with suppress(CommandError):
        return list(known_figures())
    return []


def _column_names(bench: Workbench) -> list[str]:
    """The columns of the table in focus, by their own names and those on the screen that are one word."""
    columns = bench.columns(bench.focus)
    labels = [label for column in columns for label in column.labels if " " not in label]
    return [*(column.name for column in columns), *(label for label in labels if labels.count(label) == 1)]


SOURCES: dict[str, Callable[[Workbench], Iterable[str]]] = {
    "screen": lambda _: screens(),
    "sae": lambda bench: ["next", "previous", *(s.name for s in bench.catalogue.saes)],
    "letter": lambda _: ascii_lowercase,
    "table": lambda bench: [t.id for t in tables_of(bench.screen)],
    "column": lambda bench: _column_names(bench),
    "direction": lambda _: ("up", "down"),
    "subject": lambda _: SUBJECTS,
    "job": lambda bench: [job.id for job in reversed(bench.jobs)],
    "device": lambda _: _devices(),
    "theme": lambda bench: bench.front.themes(),
    "link": lambda _: [f"{screen}/" for screen in screens()],
    "term": _terms,
    "figure": _figures,
    "hook": lambda bench: sorted({s.hook_name for s in bench.catalogue.saes}),
    "study": lambda _: studies(),
    "step": lambda _: ("up", "down"),
    "architecture": lambda _: architecture_names(),
}
