"""The filter line of a table: plain words and comparisons, turned into a condition in SQL.

``sh`` keeps rows with "sh" in any column of words, ``~sh`` with an "s" and somewhere after it an "h"; ``f1>0.5``
compares a column; ``token~sh`` looks in one column; quotes keep a space; ``!`` before a term inverts it, and ``!``
alone inverts the whole line. All terms must hold; ``or`` parts the line into alternatives.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saetui.tui.widgets.column import Column

_TERM = re.compile(r"""!?(?:[^\s"']|"[^"]*"?|'[^']*'?)+|!""")
_OPERATOR = re.compile(r"""\s*(<=|>=|!=|==|(?<!\s)~|<|>|=)\s*""")
_QUOTES = re.compile("[\"']")
_COMPARISON = re.compile(r"^(?P<column>[^<>=!~\"]+?)\s*(?P<operator><=|>=|!=|<|>|==?|~)\s*(?P<value>.*)$", re.DOTALL)
_SCALES = {"%": 0.01, "k": 1e3, "M": 1e6, "G": 1e9}
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


class FilterError(ValueError):
    """A filter that cannot be read; the message names the term and what would be right."""


@dataclass(frozen=True)
class Condition:
    """A condition in SQL with its named parameters."""

    sql: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.sql)


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.]+", "", name).lower()


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def find_column(name: str, columns: Sequence[Column]) -> Column:
    """The column of that key or label, however it is spaced or capitalised.

    Raises:
        FilterError: no such column; the message names the nearest.
    """
    by_name = {_plain(label): column for column in columns for label in (column.label, column.key) if label}
    found = by_name.get(_plain(name))
    if found is not None:
        return found
    nearest = difflib.get_close_matches(_plain(name), by_name, n=1, cutoff=0.0)
    hint = f'; the nearest is "{by_name[nearest[0]].key}"' if nearest else ""
    raise FilterError(f'no column "{name}"{hint}')


def _number(text: str, column: Column) -> float:
    scale = _SCALES.get(text[-1:], 1.0)
    digits = text[:-1] if text[-1:] in _SCALES else text
    try:
        return float(digits.replace("−", "-").replace(",", "")) * scale
    except ValueError:
        raise FilterError(
            f'"{column.key}" is compared with a number, as in {column.key}>0.5, and "{text}" is none'
        ) from None


def _searched(column: Column) -> str:
    name = quoted(column.key)
    return f"array_to_string({name}, ' ')" if column.is_list else f"CAST({name} AS VARCHAR)"


def _contains(column: Column, parameter: str) -> str:
    return f"contains(lower({_searched(column)}), ${parameter})"


class _Builder:
    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self.params: dict[str, Any] = {}

    def _parameter(self, value: Any) -> str:
        name = f"filter_{len(self.params)}"
        self.params[name] = value
        return name

    def word(self, word: str) -> str:
        columns = [column for column in self.columns if column.is_text]
        if not columns:
            known = ", ".join(column.key for column in self.columns if column.label)
            raise FilterError(f'this table has no column of words to look for "{word}" in; compare one of: {known}')
        parameter = self._parameter(word.lower())
        return "(" + " OR ".join(_contains(column, parameter) for column in columns) + ")"

    def comparison(self, name: str, operator: str, value: str) -> str:
        column = find_column(name.strip(), self.columns)
        if not value:
            raise FilterError(f'"{name}{operator}" wants a value, as in {column.key}{operator}0.5')
        if operator == "~":
            return _contains(column, self._parameter(value.lower()))
        operator = "=" if operator == "==" else operator
        if column.is_text:
            wanted: Any = value
            compared = _searched(column)
        elif column.format == "dot" or value.lower() in _TRUTH:
            if value.lower() not in _TRUTH:
                raise FilterError(f'"{column.key}" is true or false, not "{value}"')
            wanted, compared = _TRUTH[value.lower()], quoted(column.key)
        else:
            wanted, compared = _number(value, column), quoted(column.key)
        return f"{compared} {operator} ${self._parameter(wanted)}"

    def fuzzy(self, letters: str) -> str:
        columns = [column for column in self.columns if column.is_text]
        parameter = self._parameter(".*".join(map(re.escape, letters.lower())))
        tests = [f"regexp_matches(lower({_searched(column)}), ${parameter})" for column in columns]
        return "(" + " OR ".join(tests or ["false"]) + ")"

    def term(self, text: str) -> str:
        inverted = text.startswith("!")
        body = text[1:] if inverted else text
        match = _COMPARISON.match(body)
        if match:
            built = self.comparison(match["column"], match["operator"], _QUOTES.sub("", match["value"]))
        elif body.startswith("~") and len(body) > 1:
            built = self.fuzzy(_QUOTES.sub("", body[1:]))
        else:
            built = self.word(_QUOTES.sub("", body))
        return f"NOT coalesce({built}, false)" if inverted else built


def _terms(text: str) -> list[str]:
    # "f1 > 0.5" is one comparison: spaces around an operator do not part it.
    return _TERM.findall(_OPERATOR.sub(r"\1", text.strip()))


def parse_filter(text: str, columns: Sequence[Column]) -> Condition:
    """The condition of a filter line; an empty line is no condition.

    Raises:
        FilterError: an unknown column (the nearest is named) or a value that the column cannot be compared with.
    """
    terms = _terms(text)
    inverted = bool(terms) and terms[0] == "!"
    builder = _Builder(columns)
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
    # Parentheses: the table may add conditions of its own.
    return Condition(f"NOT coalesce({joined}, false)" if inverted else f"({joined})", builder.params)
