"""The filter line of a table: plain words and comparisons, turned into a condition in SQL.

``sh`` keeps rows with "sh" in any column of words, ``~sh`` with an "s" and somewhere after it an "h"; ``f1>0.5``
compares a column, ``f1=none`` asks for a missing value; ``token~sh`` looks in one column; quotes keep a space; ``!``
before a term inverts it, and ``!`` alone inverts the whole line. All terms must hold; ``or`` parts the line into
alternatives.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from saetui.commands.errors import CommandError
from saetui.commands.window import parameter_names, quoted, rows_of

_TERM = re.compile(r"""!?(?:[^\s"']|"[^"]*"?|'[^']*'?)+|!""")
_OPERATOR = re.compile(r"""\s*(<=|>=|!=|==|(?<!\s)~|<|>|=)\s*""")
_QUOTES = re.compile("[\"']")
_COMPARISON = re.compile(r"^(?P<column>[^<>=!~\"]+?)\s*(?P<operator><=|>=|!=|<|>|==?|~)\s*(?P<value>.*)$", re.DOTALL)
_SCALES = {"%": 0.01, "k": 1e3, "M": 1e6, "G": 1e9}
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
_NONE = ("none", "null", "–")
_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


class FilterError(CommandError, ValueError):
    """A filter that cannot be read; the message names the term and what would be right."""


@dataclass(frozen=True)
class Condition:
    """A condition in SQL with its named parameters."""

    sql: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.sql)


@dataclass(frozen=True)
class FilterColumn:
    """A column of a query's answer; ``kind`` is "words", "list" (of words), "number", "truth" or "other"."""

    name: str
    kind: str

    @property
    def searched(self) -> str:
        """Its text in SQL."""
        name = quoted(self.name)
        return f"array_to_string({name}, ' ')" if self.kind == "list" else f"CAST({name} AS VARCHAR)"


class Rows(Protocol):
    @property
    def rows(self) -> Sequence[tuple[Any, ...]]: ...


class Fetches(Protocol):
    """The part of a store's reader that is needed here."""

    def fetch(self, sql: str, /, **params: Any) -> Rows: ...


def columns_of(reader: Fetches, sql: str, params: Mapping[str, Any]) -> tuple[FilterColumn, ...]:
    """The columns of a query's answer; no row is read.

    Raises:
        StoreError: the query is refused.
    """
    described_sql = f"DESCRIBE {rows_of(sql)}"
    names = set(parameter_names(described_sql))
    bound = {name: value for name, value in params.items() if name in names}
    described = reader.fetch(described_sql, **bound)
    return tuple(FilterColumn(row[0], _kind(row[1])) for row in described.rows)


def _kind(sql_type: str) -> str:
    if sql_type == "VARCHAR":
        return "words"
    if sql_type == "VARCHAR[]":
        return "list"
    if sql_type == "BOOLEAN":
        return "truth"
    return "number" if sql_type.removeprefix("U").startswith(_NUMBERS) else "other"


def plain(name: str) -> str:
    """A name without what people forget: spaces, underscores and capitals."""
    return re.sub(r"[\s_\-.]+", "", name).lower()


def nearest(name: str, known: Mapping[str, str]) -> str:
    """What to say of a name that is not among ``known`` (plain names to names)."""
    found = difflib.get_close_matches(plain(name), known, n=1, cutoff=0.0)
    return f'no column "{name}"' + (f'; the nearest is "{known[found[0]]}"' if found else "")


class _Builder:
    def __init__(self, columns: Sequence[FilterColumn], named: Mapping[str, str], looked_up: Mapping[str, str]) -> None:
        self.columns = columns
        self.named = named
        self.looked_up = looked_up
        self.params: dict[str, Any] = {}

    def _parameter(self, value: Any) -> str:
        name = f"filter_{len(self.params)}"
        self.params[name] = value
        return f"${name}"

    def _column(self, name: str) -> FilterColumn:
        known = {plain(column.name): column for column in self.columns}
        if plain(name) in known:
            return known[plain(name)]
        raise FilterError(nearest(name, {key: column.name for key, column in known.items()}))

    def _in_words(self, test: str) -> str:
        columns = [column for column in self.columns if column.kind in ("words", "list")]
        if not columns:
            known = ", ".join(column.name for column in self.columns)
            raise FilterError(f"this table has no words to look in; compare one of: {known}")
        # Columns that are looked up in one place are looked up together.
        tests: dict[str, list[str]] = {}
        for column in columns:
            tests.setdefault(self.looked_up.get(column.name, "{}"), []).append(test.format(f"lower({column.searched})"))
        return "(" + " OR ".join(within.format(" OR ".join(found)) for within, found in tests.items()) + ")"

    def word(self, word: str) -> str:
        return self._in_words(f"contains({{}}, {self._parameter(word.lower())})")

    def fuzzy(self, letters: str) -> str:
        return self._in_words(f"regexp_matches({{}}, {self._parameter('.*'.join(map(re.escape, letters.lower())))})")

    def comparison(self, name: str, operator: str, value: str) -> str:
        column = self._column(name.strip())
        return self.looked_up.get(column.name, "{}").format(self._compared(column, name, operator, value))

    def _compared(self, column: FilterColumn, name: str, operator: str, value: str) -> str:
        if not value:
            raise FilterError(f'"{name}{operator}" wants a value, as in {column.name}{operator}0.5')
        if operator == "~":
            return f"contains(lower({column.searched}), {self._parameter(value.lower())})"
        operator = "=" if operator == "==" else operator
        if value.lower() in _NONE and operator in ("=", "!="):
            return f"{quoted(column.name)} IS {'' if operator == '=' else 'NOT '}NULL"
        wanted: Any = value
        compared = quoted(column.name)
        if column.kind == "number":
            wanted = _number(value, column)
        elif column.kind == "truth":
            if value.lower() not in _TRUTH:
                raise FilterError(f'"{column.name}" is true or false, not "{value}"')
            wanted = _TRUTH[value.lower()]
        else:
            compared = column.searched
        return f"{compared} {operator} {self._parameter(wanted)}"

    def term(self, text: str) -> str:
        inverted = text.startswith("!")
        body = text[1:] if inverted else text
        match = _COMPARISON.match(body)
        if body.lower() in self.named:
            built = f"({self.named[body.lower()]})"
        elif match:
            built = self.comparison(match["column"], match["operator"], _QUOTES.sub("", match["value"]))
        elif body.startswith("~") and len(body) > 1:
            built = self.fuzzy(_QUOTES.sub("", body[1:]))
        else:
            built = self.word(_QUOTES.sub("", body))
        return f"NOT coalesce({built}, false)" if inverted else built


def _number(text: str, column: FilterColumn) -> float:
    scale = _SCALES.get(text[-1:], 1.0)
    digits = text[:-1] if text[-1:] in _SCALES else text
    try:
        return float(digits.replace("−", "-").replace(",", "")) * scale
    except ValueError:
        raise FilterError(
            f'"{column.name}" is compared with a number, as in {column.name}>0.5, and "{text}" is none'
        ) from None


def parse_filter(
    text: str,
    columns: Sequence[FilterColumn],
    named: Mapping[str, str] | None = None,
    looked_up: Mapping[str, str] | None = None,
) -> Condition:
    """The condition of a filter line; an empty line is no condition.

    ``named`` are words with a condition of their own, in SQL. ``looked_up`` are columns on which a condition is tested
    elsewhere, with the SQL around it, ``{}`` for the condition: in a vocabulary rather than on every token.

    Raises:
        FilterError: an unknown column (the nearest is named) or a value that the column cannot be compared with.
    """
    # "f1 > 0.5" is one comparison: spaces around an operator do not part it.
    terms = _TERM.findall(_OPERATOR.sub(r"\1", text.strip()))
    inverted = bool(terms) and terms[0] == "!"
    builder = _Builder(columns, named or {}, looked_up or {})
    alternatives: list[list[str]] = [[]]
    for term in terms:
        if term.lower() == "or":
            alternatives.append([])
        elif term.lower() != "and" and term != "!":
            alternatives[-1].append(builder.term(term))
    groups = [" AND ".join(group) for group in alternatives if group]
    if not groups:
        return Condition()
    joined = groups[0] if len(groups) == 1 else " OR ".join(f"({group})" for group in groups)
    # Parentheses: a table may add conditions of its own.
    return Condition(f"NOT coalesce({joined}, false)" if inverted else f"({joined})", builder.params)
