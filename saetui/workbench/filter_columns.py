"""What a filter can be about: the columns of a query's answer, by their own names and by those on the screen."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from saetui.workbench.sql_text import quoted
from saetui.workbench.written_values import FilterError, Writing

_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
# The type that stands for a kind where a column was described by its kind alone.
_TYPES = {"words": "VARCHAR", "list": "VARCHAR[]", "number": "DOUBLE", "truth": "BOOLEAN", "other": "VARCHAR"}
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
__all__ = ["ColumnNames", "Condition", "FilterColumn", "FilterError", "filter_column", "labelled", "nearest", "plain"]


@dataclass(frozen=True)
class Condition:
    """A condition in SQL with its named parameters; ``texts`` are what it looks for in any column of words."""

    sql: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    texts: tuple[str, ...] = field(default=(), compare=False)

    def __bool__(self) -> bool:
        return bool(self.sql)


@dataclass(frozen=True)
class FilterColumn:
    """A column of a query's answer; ``kind`` is "words", "list" (of words), "number", "truth" or "other".

    ``labels`` are its names on the screen, where they are others than its own, and ``writing`` is how its values stand
    there.
    """

    name: str
    kind: str
    sql_type: str = ""
    labels: tuple[str, ...] = ()
    writing: Writing = field(default_factory=Writing, compare=False)

    @property
    def searched(self) -> str:
        """Its text in SQL."""
        name = quoted(self.name)
        return f"array_to_string({name}, ' ')" if self.kind == "list" else f"CAST({name} AS VARCHAR)"

    @property
    def nothing(self) -> str:
        """A column of its name and type that holds nothing, in SQL."""
        return f"NULL::{self.type_in_sql} AS {quoted(self.name)}"

    @property
    def type_in_sql(self) -> str:
        """Its type, or the one that stands for its kind."""
        return self.sql_type or _TYPES[self.kind]


def filter_column(name: str, sql_type: str) -> FilterColumn:
    """A column of a query's answer, by its type in DuckDB."""
    return FilterColumn(name, _kind(sql_type), sql_type)


def labelled(columns: Sequence[FilterColumn], names: Mapping[str, Sequence[str]]) -> tuple[FilterColumn, ...]:
    """The columns with their names on the screen; ``names`` gives the columns that a name there can mean."""
    return tuple(
        replace(column, labels=tuple(label for label, meant in names.items() if column.name in meant))
        for column in columns
    )


def _kind(sql_type: str) -> str:
    if sql_type == "VARCHAR":
        return "words"
    if sql_type == "VARCHAR[]":
        return "list"
    if sql_type == "BOOLEAN":
        return "truth"
    # A list of numbers is none.
    is_number = sql_type.removeprefix("U").startswith(_NUMBERS) and not sql_type.endswith("]")
    return "number" if is_number else "other"


def plain(name: str) -> str:
    """A name without what people leave out: spaces, underscores and capitals."""
    return re.sub(r"[\s_\-.]+", "", name).lower()


def nearest(name: str, known: Mapping[str, str]) -> str:
    """The message for a name that is not among ``known`` (plain names to names)."""
    found = difflib.get_close_matches(plain(name), known, n=1, cutoff=0.0)
    return f'no column "{name}"' + (f'; the nearest is "{known[found[0]]}"' if found else "")


class ColumnNames:
    """Finds the column that a name means; a query's own names come before those on the screen."""

    def __init__(self, columns: Sequence[FilterColumn]) -> None:
        self._own = {plain(column.name): column for column in columns}
        self._labels: dict[str, list[FilterColumn]] = {}
        self.known: dict[str, str] = {}
        for column in columns:
            for label in column.labels:
                self._labels.setdefault(plain(label), []).append(column)
                self.known[plain(label)] = label
        written = {label for column in columns for label in column.labels if not _IDENTIFIER.fullmatch(label)}
        longest_first = sorted(written, key=lambda label: (-len(label), label))
        self._written = re.compile("|".join(map(re.escape, longest_first))) if written else None
        self.known |= {key: column.name for key, column in self._own.items()}

    def knows(self, name: str) -> bool:
        """Whether a name means a column, or several."""
        return plain(name) in self.known

    def found(self, name: str) -> FilterColumn | None:
        """The column of a name; None where there is none, or several can be meant."""
        labelled = self._labels.get(plain(name), [])
        return self._own.get(plain(name)) or (labelled[0] if len(labelled) == 1 else None)

    def own(self, name: str) -> FilterColumn | None:
        """The column of exactly that name in the query."""
        column = self._own.get(plain(name))
        return column if column is not None and column.name == name else None

    def column(self, name: str) -> FilterColumn:
        """The column of a name; raises FilterError where there is none, or the name can mean several."""
        column = self.found(name)
        if column is None and self.knows(name):
            meant = ", ".join(column.name for column in self._labels[plain(name)])
            raise FilterError(f'"{name}" is the head of several columns here: {meant}')
        if column is None:
            raise FilterError(nearest(name, self.known))
        return column

    def at(self, text: str, start: int) -> str:
        """The name on the screen with other signs than letters that stands in a text there; empty where none does."""
        match = self._written.match(text, start) if self._written is not None else None
        if match is None:
            return ""
        before, after = text[start - 1 : start], text[match.end() : match.end() + 1]
        apart = not (before.isalnum() or before == "_") and not (after.isalnum() or after == "_")
        return match[0] if apart else ""
