"""The filter line of a table, turned into a condition in SQL: a shorthand of words and comparisons, or SQL itself.

``sh`` keeps rows with "sh" in any column of words, ``~sh`` with an "s" and somewhere after it an "h"; ``f1>0.5``
compares a column, ``f1=none`` asks for a missing value; ``token~sh`` looks in one column; what stands in quotes is
text as it is, with a quotation mark written twice; ``!`` before a term inverts it, and ``!`` alone inverts the whole
line. All terms must hold; ``or`` splits the line into alternatives. A line with more than that, such as ``like``,
``between``, ``is null``, ``not`` or a function, is a condition in SQL (``saetui.workbench.sql_filter``).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saetui.workbench.filter_columns import ColumnNames, Condition, FilterColumn, FilterError
from saetui.workbench.sql_filter import sql_condition
from saetui.workbench.sql_recognition import is_sql
from saetui.workbench.sql_text import quoted
from saetui.workbench.written_values import readings, typed_number

_OPERATOR = re.compile(r"<=|>=|!=|==|<|>|=|~")
_QUOTED = re.compile(r"""(?P<quote>["'])(?P<text>(?:(?!(?P=quote)).|(?P=quote){2})*)(?P=quote)""", re.DOTALL)
_SPACES = re.compile(r"\s*")
_RUN = re.compile(r"\S*")
# The name before an operator: no more than one word, which begins with no operator.
_NAME = re.compile(r"""[^\s<>=!~"'](?:(?!!=)[^\s<>=~])*""")
# Longer lines were pasted by mistake; the database takes minutes to plan a query of thousands of tests.
LONGEST = 10_000
_MOST_TESTS = 100
_MOST_LETTERS = 100
_TRUTH = {"true": True, "yes": True, "●": True, "false": False, "no": False}
_NONE = ("none", "null", "–")
# A time as tables show it, without the year.
_MOMENT = re.compile(r"\d\d-\d\d( \d\d:\d\d)?")


@dataclass(frozen=True)
class _Term:
    """One term: "word", "fuzzy" or "comparison", or the "named" condition or the "truth" column of a bare word."""

    kind: str
    value: str
    is_inverted: bool = False
    # Text in quotes is nothing but text.
    is_quoted: bool = False
    name: str = ""
    operator: str = ""

    @property
    def asks_for_nothing(self) -> bool:
        return not self.is_quoted and self.value.lower() in _NONE


class _Terms:
    """Splits a line into alternatives of terms."""

    def __init__(self, text: str, names: ColumnNames, named: Mapping[str, str]) -> None:
        self._text, self._names, self._named = text, names, named
        self._at = 0
        self.is_inverted = False
        self.alternatives: list[list[_Term]] = [[]]
        while self._skip_spaces():
            self._take()

    def _skip_spaces(self) -> bool:
        """Whether there is anything after the spaces."""
        found = _SPACES.match(self._text, self._at)
        self._at = found.end() if found is not None else self._at
        return self._at < len(self._text)

    def _run(self) -> str:
        """What stands up to the next space."""
        found = _RUN.match(self._text, self._at)
        run = found[0] if found is not None else ""
        self._at += len(run)
        return run

    def _quoted(self) -> str:
        """The text in the quotes that begin here."""
        mark = self._text[self._at]
        found = _QUOTED.match(self._text, self._at)
        if found is None:
            example = '"\'s"' if mark == "'" else "'5\"'"
            raise FilterError(
                f"the text after {mark} has no end; close it with {mark}, or where {mark} itself is looked for, put "
                f"other quotes around it, as in {example}"
            )
        after = self._text[found.end() : found.end() + 1]
        if after and not after.isspace():
            raise FilterError(
                f"after the quoted text {found[0]} a space must come; a quotation mark within it is written twice"
            )
        self._at = found.end()
        return found["text"].replace(mark * 2, mark)

    @property
    def _at_quotes(self) -> bool:
        return self._text[self._at : self._at + 1] in ("'", '"')

    def _take(self) -> None:
        start = self._at
        is_inverted = self._text[start] == "!" and self._text[start + 1 : start + 2] != "="
        self._at += is_inverted
        rest = self._text[self._at : self._at + 1]
        if is_inverted and (not rest or rest.isspace()):
            # Before everything it inverts the line; elsewhere it says nothing.
            self.is_inverted = self.is_inverted or not any(self.alternatives[0])
            return
        term = self._term(is_inverted)
        joins = term.kind == "word" and not term.is_quoted and not is_inverted
        if joins and term.value.lower() == "or":
            self.alternatives.append([])
        elif not (joins and term.value.lower() == "and"):
            self.alternatives[-1].append(term)

    def _term(self, is_inverted: bool) -> _Term:
        if self._at_quotes:
            return _Term("word", self._quoted(), is_inverted, is_quoted=True)
        comparison = self._comparison(is_inverted)
        if comparison is not None:
            return comparison
        if self._text[self._at] == "~" and self._text[self._at + 1 : self._at + 2].strip():
            self._at += 1
            return _Term("fuzzy", self._quoted() if self._at_quotes else self._run(), is_inverted)
        word = self._run()
        if word.lower() in self._named:
            return _Term("named", word.lower(), is_inverted)
        column = self._names.found(word)
        if column is not None and column.kind == "truth":
            return _Term("truth", word, is_inverted)
        return _Term("word", word, is_inverted)

    def _comparison(self, is_inverted: bool) -> _Term | None:
        name = self._names.at(self._text, self._at)
        if not name:
            found = _NAME.match(self._text, self._at)
            if found is None:
                return None
            name = found[0]
        end = self._at + len(name)
        spaces = _SPACES.match(self._text, end)
        place = spaces.end() if spaces is not None else end
        operator = _OPERATOR.match(self._text, place)
        # "s ~h" are a word and a fuzzy one, "surface ~ h" looks in a column.
        is_fuzzy = operator is not None and operator[0] == "~" and place > end
        if operator is None or (is_fuzzy and not self._looks_in_a_column(name, operator.end())):
            return None
        self._at = operator.end()
        self._skip_spaces()
        is_quoted = self._at_quotes
        value = self._quoted() if is_quoted else self._run()
        return _Term("comparison", value, is_inverted, is_quoted, name, operator[0])

    def _looks_in_a_column(self, name: str, end: int) -> bool:
        return self._names.knows(name) and self._text[end : end + 1].isspace()


class _Builder:
    def __init__(
        self,
        columns: Sequence[FilterColumn],
        names: ColumnNames,
        named: Mapping[str, str],
        looked_up: Mapping[str, str],
    ) -> None:
        self.columns = columns
        self.names = names
        self.named = named
        self.looked_up = looked_up
        self.params: dict[str, Any] = {}
        self.texts: list[str] = []

    def _parameter(self, value: Any) -> str:
        name = f"filter_{len(self.params)}"
        self.params[name] = value
        return f"${name}"

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

    def any_word(self, words: Sequence[str]) -> str:
        """One test for many words: the time to plan a query grows faster than the number of its tests."""
        self.texts += words
        wanted = [reading.lower() for word in words for reading in readings(word)]
        if len(wanted) == 1:
            return self._in_words(f"contains({{}}, {self._parameter(wanted[0])})")
        return self._in_words(f"regexp_matches({{}}, {self._parameter('|'.join(map(re.escape, wanted)))})")

    def any_value(self, column: FilterColumn, values: Sequence[_Term]) -> str:
        """One test for many values of a column."""
        if len(values) == 1:
            return self.comparison(values[0])
        if any(_is_moment(column, term.value) for term in values):
            test = " OR ".join(self._compared(column, term) for term in values)
        elif column.kind == "number":
            test = self._is_number(column, [term.value for term in values])
        else:
            test = self._is_text(column, [term.value for term in values])
        return self.looked_up.get(column.name, "{}").format(f"({test})")

    def _is_number(self, column: FilterColumn, typed: Sequence[str]) -> str:
        """Whether a value is one of some numbers, or would be written as one of them."""
        numbers = [typed_number(text, column.name, column.writing) for text in typed]
        name, exact = quoted(column.name), [number.value for number in numbers if not number.within]
        rounded = [number for number in numbers if number.within]
        if len(rounded) > _MOST_TESTS:
            raise FilterError(f"at most {_MOST_TESTS} numbers with decimals can be looked for, not {len(rounded):,}")
        tests = [f"list_contains({self._parameter(exact)}, {name})"] if len(exact) > 1 else []
        tests += [f"{name} = {self._parameter(value)}" for value in exact if len(exact) == 1]
        tests += [f"abs({name} - {self._parameter(n.value)}) <= {self._parameter(n.within)}" for n in rounded]
        return " OR ".join(tests)

    def _is_text(self, column: FilterColumn, typed: Sequence[str]) -> str:
        """Whether a text is one of some, or stands so on the screen."""
        if column.writing.words:
            wanted = [column.writing.stored(column.name, text) for text in typed]
        else:
            wanted = [reading for text in typed for reading in readings(text)]
        if len(wanted) == 1:
            return f"{column.searched} = {self._parameter(wanted[0])}"
        return f"list_contains({self._parameter(wanted)}, {column.searched})"

    def fuzzy(self, letters: str) -> str:
        if len(letters) > _MOST_LETTERS:
            raise FilterError(f"~ takes at most {_MOST_LETTERS} letters, not {len(letters):,}")
        self.texts.append(letters)
        return self._in_words(f"regexp_matches({{}}, {self._parameter('.*'.join(map(re.escape, letters.lower())))})")

    def comparison(self, term: _Term) -> str:
        column = self.names.column(term.name)
        return self.looked_up.get(column.name, "{}").format(self._compared(column, term))

    def _compared(self, column: FilterColumn, term: _Term) -> str:
        value, operator = term.value, term.operator
        if not value and not term.is_quoted:
            raise FilterError(f'"{term.name}{operator}" wants a value, as in {column.name}{operator}0.5')
        if operator == "~":
            tests = [f"contains(lower({column.searched}), {self._parameter(r.lower())})" for r in readings(value)]
            return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"
        operator = "=" if operator == "==" else operator
        if term.asks_for_nothing and operator in ("=", "!="):
            return f"{quoted(column.name)} IS {'' if operator == '=' else 'NOT '}NULL"
        if column.kind == "truth":
            if value.lower() not in _TRUTH:
                raise FilterError(f'"{column.name}" is true or false, not "{value}"')
            return f"{quoted(column.name)} {operator} {self._parameter(_TRUTH[value.lower()])}"
        if operator in ("=", "!="):
            test = self._equal(column, value)
            return test if operator == "=" else f"NOT ({test})"
        if column.kind == "number":
            number = typed_number(value, column.name, column.writing)
            return f"{quoted(column.name)} {operator} {self._parameter(number.value)}"
        if _is_moment(column, value):
            raise FilterError(
                f'"{column.name}" is compared with a time that has its year, as in {column.name}{operator}2026-{value}'
            )
        return f"{column.searched} {operator} {self._parameter(value)}"

    def _equal(self, column: FilterColumn, value: str) -> str:
        """Whether a value is the one typed, or stands so on the screen."""
        if column.kind == "number":
            return self._is_number(column, [value])
        if _is_moment(column, value):
            return f"starts_with(strftime({quoted(column.name)}, '%m-%d %H:%M'), {self._parameter(value)})"
        return self._is_text(column, [value])

    def either(self, alternatives: Sequence[Sequence[_Term]]) -> list[str]:
        """Alternatives, of which words alone are one test, and so are equalities of one column."""
        words: list[str] = []
        values: dict[str, tuple[FilterColumn, list[_Term]]] = {}
        groups: list[Sequence[_Term]] = []
        for group in alternatives:
            first = group[0]
            if len(group) > 1 or first.is_inverted:
                groups.append(group)
            elif first.kind == "word":
                words.append(first.value)
            elif first.operator in ("=", "==") and not first.asks_for_nothing and (first.value or first.is_quoted):
                column = self.names.column(first.name)
                if column.kind == "truth":
                    groups.append(group)
                else:
                    values.setdefault(column.name, (column, []))[1].append(first)
            else:
                groups.append(group)
        tests = len(values) + bool(words) + sum(map(len, groups))
        if tests > _MOST_TESTS:
            raise FilterError(
                f"this filter has {tests:,} tests, and {_MOST_TESTS} are the most; words that are joined by or count "
                "as one, and so do values of one column"
            )
        built = [self.any_word(words)] if words else []
        built += [self.any_value(column, wanted) for column, wanted in values.values()]
        return built + [" AND ".join(map(self.term, group)) for group in groups]

    def term(self, term: _Term) -> str:
        if term.kind == "named":
            built = f"({self.named[term.value]})"
        elif term.kind == "truth":
            built = quoted(self.names.column(term.value).name)
        elif term.kind == "comparison":
            built = self.comparison(term)
        elif term.kind == "fuzzy":
            built = self.fuzzy(term.value)
        else:
            built = self.any_word([term.value])
        return f"NOT coalesce({built}, false)" if term.is_inverted else built


def _is_moment(column: FilterColumn, value: str) -> bool:
    return column.sql_type.startswith("TIMESTAMP") and _MOMENT.fullmatch(value) is not None


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
        FilterError: an unknown column (the nearest is named), a value that the column cannot be compared with, what is
            not SQL, or more than a filter can be.
    """
    if len(text) > LONGEST:
        raise FilterError(f"a filter has at most {LONGEST:,} characters, and this one has {len(text):,}")
    names, named, looked_up = ColumnNames(columns), named or {}, looked_up or {}
    if is_sql(text, names, named):
        return sql_condition(text, columns, names, named, looked_up)
    terms = _Terms(text, names, named)
    builder = _Builder(columns, names, named, looked_up)
    groups = builder.either([group for group in terms.alternatives if group])
    if not groups:
        return Condition()
    joined = groups[0] if len(groups) == 1 else " OR ".join(f"({group})" for group in groups)
    # Parentheses: a table may add conditions of its own.
    sql = f"NOT coalesce({joined}, false)" if terms.is_inverted else f"({joined})"
    return Condition(sql, builder.params, tuple(builder.texts))
