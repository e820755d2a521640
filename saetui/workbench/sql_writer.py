"""Writes a condition in SQL from the parts of a filter line, so that nothing reaches a query as it was typed."""

import difflib
from collections.abc import Mapping

from saetui.workbench.filter_columns import ColumnNames, FilterColumn, FilterError, nearest
from saetui.workbench.sql_text import quoted
from saetui.workbench.sql_tokens import COMPARISONS, KEYWORDS, SqlToken, glued, is_other_column, sql_tokens
from saetui.workbench.written_values import readings

DEEPEST = 50
_FUNCTION_WORDS = (
    "abs array_to_string ceil coalesce concat concat_ws contains exp floor greatest isfinite isinf isnan least left "
    "len length levenshtein list_any_value list_avg list_contains list_has_any list_max list_min list_position "
    "list_sum ln log10 log2 lower ltrim nullif pow prefix regexp_extract regexp_full_match regexp_matches replace "
    "right round rtrim sign sqrt starts_with strip_accents substr suffix trim trunc upper"
)
# Functions of the values in a row that take neither long nor much memory, and read nothing else.
FUNCTIONS = tuple(_FUNCTION_WORDS.split())
_TYPES = ("bigint", "boolean", "date", "double", "float", "int", "integer", "real", "text", "timestamp", "varchar")
_NONE = ("none", "null")
_TRUTH = {"yes": "true", "no": "false", "true": "true", "false": "false"}
_SIGNS = frozenset((*COMPARISONS, "+", "-", "*", "/", "%", "^", "||", "::", "(", ")", ",", "[", "]"))


class ConditionWriter:
    """Writes a condition from its parts; ``named`` conditions stand in it as columns of their own."""

    def __init__(self, line: str, names: ColumnNames, named: Mapping[str, str]) -> None:
        self._line, self._names, self._named = line, names, named
        self._tokens = sql_tokens(line, names)
        self._at = 0
        self.used: set[str] = set()
        self.used_named: set[str] = set()

    def write(self) -> str:
        written: list[str] = []
        depth = 0
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            depth += token.says("(", "[") - token.says(")", "]")
            if depth < 0:
                raise FilterError(f'"{token.written}" closes what was not opened')
            if depth > DEEPEST:
                raise FilterError(f"this filter is nested too deeply; {DEEPEST} levels are the most")
            written.append(self._shorthand() or self._part(token))
        if depth:
            raise FilterError("a parenthesis is not closed")
        return " ".join(written)

    def _peek(self, by: int) -> SqlToken | None:
        place = self._at + by
        return self._tokens[place] if 0 <= place < len(self._tokens) else None

    def _shorthand(self) -> str:
        """A comparison as the shorthand has it (a word without quotes, ``none``, ``yes``, ``~``), as SQL."""
        token, operator, value = self._peek(0), self._peek(1), self._peek(2)
        if token is None or operator is None or value is None or token.kind != "name":
            return ""
        if not operator.says(*COMPARISONS, "~"):
            return ""
        column = self._column(token)
        name = quoted(column.name)
        if operator.says("~"):
            text, parts = self._bare(self._at + 2)
            self._at += 2 + parts
            return f"contains(lower({column.searched}), {_text(text.lower())})"
        if value.kind == "word" and value.value in _NONE and operator.says("=", "!=", "<>"):
            self._at += 3
            return f"{name} IS {'' if operator.says('=') else 'NOT '}NULL"
        if column.kind == "truth" and value.kind == "word" and value.value in _TRUTH:
            self._at += 3
            return f"{name} {operator.value} {_TRUTH[value.value]}"
        plain_word = value.kind == "word" and value.value not in KEYWORDS and value.value not in FUNCTIONS
        another = value.kind == "name" and not is_other_column(token, self._tokens, self._at + 2, self._names)
        if column.kind == "words" and (plain_word or another):
            text, parts = self._bare(self._at + 2)
            self._at += 2 + parts
            return self._equal_text(column, operator, text)
        if column.kind == "words" and value.kind == "text":
            self._at += 3
            return self._equal_text(column, operator, value.value)
        return ""

    @staticmethod
    def _equal_text(column: FilterColumn, operator: SqlToken, text: str) -> str:
        """A column of words compared with a text, as that is stored or as it stands on the screen."""
        name, is_equality = quoted(column.name), operator.says("=", "!=", "<>")
        if column.writing.words and is_equality:
            return f"{name} {operator.value} {_text(column.writing.stored(column.name, text))}"
        wanted = readings(text)
        if len(wanted) == 1 or not is_equality:
            return f"{name} {operator.value} {_text(text)}"
        return f"{name} {'' if operator.says('=') else 'NOT '}IN ({', '.join(map(_text, wanted))})"

    def _bare(self, index: int) -> tuple[str, int]:
        """A value without quotes, or what is in them, and how many parts of the line it is."""
        if self._tokens[index].kind == "text":
            return self._tokens[index].value, 1
        parts = glued(self._tokens, index)
        return self._line[self._tokens[index].start : self._tokens[parts[-1]].end], len(parts)

    def _column(self, token: SqlToken) -> FilterColumn:
        column = self._names.column(token.value)
        self.used.add(column.name)
        return column

    def _part(self, token: SqlToken) -> str:
        before, after = self._peek(-1), self._peek(1)
        self._at += 1
        if token.kind == "text":
            return _text(token.value)
        if token.kind == "number":
            return token.value
        if token.kind == "name" and not (after is not None and after.says("(") and token.value.lower() in FUNCTIONS):
            return quoted(self._column(token).name)
        if token.kind in ("word", "name"):
            return self._word(token, before, after)
        if token.says("!"):
            return "NOT"
        if token.kind == "sign" and token.value in _SIGNS:
            return token.value
        if token.kind == "open":
            mark = token.written[0]
            raise FilterError(f"the text after {mark} has no end; a quotation mark within it is written twice")
        raise FilterError(
            f'"{token.written}" means nothing in a condition; text stands in quotes, and to look for words write '
            "nothing but words"
        )

    def _word(self, token: SqlToken, before: SqlToken | None, after: SqlToken | None) -> str:
        word = token.value.lower()
        if after is not None and after.says("("):
            if word in (*FUNCTIONS, *KEYWORDS):
                return word
            near = difflib.get_close_matches(word, FUNCTIONS, n=1)
            hint = f'; the nearest is "{near[0]}"' if near else ""
            raise FilterError(
                f'"{token.written}" is no function for a filter{hint}. Text with parentheses in it stands in quotes; '
                f"the functions are {', '.join(FUNCTIONS)}"
            )
        if word in self._named:
            self.used_named.add(word)
            return quoted(named_column(word))
        if word in KEYWORDS:
            return word
        is_type = (before is not None and before.says("::", "as")) or (after is not None and after.kind == "text")
        if is_type and word in _TYPES:
            return word
        if before is not None and before.says("::", "as"):
            raise FilterError(f'"{token.written}" is no type here; there are {", ".join(sorted(_TYPES))}')
        problem = nearest(token.written, self._names.known)
        if before is not None and before.says("not"):
            raise FilterError(f'{problem}; rows without a text are kept by "!" before it, as in !{token.written}')
        raise FilterError(f"{problem}; text in a condition stands in quotes, as in '{token.written}'")


def _text(value: str) -> str:
    if "\0" in value:
        raise FilterError("a text in a filter cannot hold the character 0")
    return "'" + value.replace("'", "''") + "'"


def named_column(word: str) -> str:
    """The column that stands for a named condition until it is put in its place."""
    return f"condition {word}"
