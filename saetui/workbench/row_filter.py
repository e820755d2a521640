"""The filter line of a table: plain words and comparisons, turned into a condition in SQL.

``sh`` keeps rows with "sh" in any column of words, ``~sh`` with an "s" and somewhere after it an "h"; ``f1>0.5``
compares a column, ``f1=none`` asks for a missing value; ``token~sh`` looks in one column; quotes keep a space; ``!``
before a term inverts it, and ``!`` alone inverts the whole line. All terms must hold; ``or`` splits the line into
alternatives.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saetui.workbench.exceptions import CommandError
from saetui.workbench.sql_text import quoted

_TERM = re.compile(r"""!?(?:[^\s"']|"[^"]*"?|'[^']*'?)+|!""")
# Spaces are looked at from their first one on only, or a line of spaces would take a time of its length squared.
_OPERATOR = re.compile(r"""(?<!\s)\s*(<=|>=|!=|==|(?<!\s)~|<|>|=)\s*""")
_QUOTES = re.compile("[\"']")
_COMPARISON = re.compile(
    r"^(?P<column>[^<>=!~\"]*[^<>=!~\"\s])\s*(?P<operator><=|>=|!=|<|>|==?|~)\s*(?P<value>.*)$", re.DOTALL
)
# Longer lines were pasted by mistake; the database takes minutes to plan a query of thousands of tests.
LONGEST = 10_000
_MOST_TESTS = 100
_MOST_LETTERS = 100
_SCALES = {"%": 0.01, "k": 1e3, "M": 1e6, "G": 1e9}
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
_NONE = ("none", "null", "–")
_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


class FilterError(CommandError, ValueError):
    """A filter that cannot be read; the message names the term and what it should be."""


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


def filter_column(name: str, sql_type: str) -> FilterColumn:
    """A column of a query's answer, by its type in DuckDB."""
    return FilterColumn(name, _kind(sql_type))


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
        # Columns that are looked up in one place are looked up together, in one test: no word goes over a line's end.
        places: dict[str, list[str]] = {}
        for column in columns:
            places.setdefault(self.looked_up.get(column.name, "{}"), []).append(f"lower({column.searched})")
        tests = [
            within.format(test.format(texts[0] if len(texts) == 1 else f"concat_ws(chr(10), {', '.join(texts)})"))
            for within, texts in places.items()
        ]
        return "(" + " OR ".join(tests) + ")"

    def word(self, word: str) -> str:
        return self._in_words(f"contains({{}}, {self._parameter(word.lower())})")

    def any_word(self, words: Sequence[str]) -> str:
        """One test for many words: the time to plan a query grows faster than the number of its tests."""
        if len(words) == 1:
            return self.word(words[0])
        return self._in_words(f"regexp_matches({{}}, {self._parameter('|'.join(re.escape(w.lower()) for w in words))})")

    def any_value(self, column: FilterColumn, name: str, values: Sequence[str]) -> str:
        """One test for many values of a column."""
        if len(values) == 1:
            return self.comparison(name, "=", values[0])
        if column.kind == "number":
            test = f"list_contains({self._parameter([_number(v, column) for v in values])}, {quoted(column.name)})"
        else:
            test = f"list_contains({self._parameter(list(values))}, {column.searched})"
        return self.looked_up.get(column.name, "{}").format(test)

    def fuzzy(self, letters: str) -> str:
        if len(letters) > _MOST_LETTERS:
            raise FilterError(f"~ takes at most {_MOST_LETTERS} letters, not {len(letters):,}")
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

    def either(self, alternatives: Sequence[Sequence[str]]) -> list[str]:
        """Alternatives, of which words alone are one test, and so are equalities of one column."""
        words: list[str] = []
        values: dict[str, tuple[FilterColumn, str, list[str]]] = {}
        groups: list[Sequence[str]] = []
        for group in alternatives:
            match = _COMPARISON.match(group[0])
            if len(group) > 1 or group[0].startswith(("!", "~")) or group[0].lower() in self.named:
                groups.append(group)
            elif match is None:
                words.append(_QUOTES.sub("", group[0]))
            elif match["operator"] in ("=", "==") and _is_value(match["value"]):
                column = self._column(match["column"].strip())
                if column.kind == "truth":
                    groups.append(group)
                else:
                    of_column = values.setdefault(column.name, (column, match["column"], []))
                    of_column[2].append(_QUOTES.sub("", match["value"]))
            else:
                groups.append(group)
        tests = len(values) + bool(words) + sum(map(len, groups))
        if tests > _MOST_TESTS:
            raise FilterError(
                f"this filter has {tests:,} tests, and {_MOST_TESTS} are the most; words that are joined by or count "
                "as one, and so do values of one column"
            )
        built = [self.any_word(words)] if words else []
        built += [self.any_value(column, name, wanted) for column, name, wanted in values.values()]
        return built + [" AND ".join(map(self.term, group)) for group in groups]

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


def _is_value(text: str) -> bool:
    """Whether a column can be compared with it for equality: something, and not the word for nothing."""
    return bool(_QUOTES.sub("", text)) and text.lower() not in _NONE


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
        FilterError: an unknown column (the nearest is named), a value that the column cannot be compared with, or more
            than a filter can be.
    """
    if len(text) > LONGEST:
        raise FilterError(f"a filter has at most {LONGEST:,} characters, and this one has {len(text):,}")
    # "f1 > 0.5" is one comparison: spaces around an operator do not split it.
    terms = _TERM.findall(_OPERATOR.sub(r"\1", text.strip()))
    inverted = bool(terms) and terms[0] == "!"
    builder = _Builder(columns, named or {}, looked_up or {})
    alternatives: list[list[str]] = [[]]
    for term in terms:
        if term.lower() == "or":
            alternatives.append([])
        elif term.lower() != "and" and term != "!":
            alternatives[-1].append(term)
    groups = builder.either([group for group in alternatives if group])
    if not groups:
        return Condition()
    joined = groups[0] if len(groups) == 1 else " OR ".join(f"({group})" for group in groups)
    # Parentheses: a table may add conditions of its own.
    return Condition(f"NOT coalesce({joined}, false)" if inverted else f"({joined})", builder.params)
