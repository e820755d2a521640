"""Tells a filter line that is meant as SQL from words to look for and plain comparisons."""

from collections.abc import Mapping, Sequence

from saetui.workbench.filter_columns import ColumnNames, FilterError
from saetui.workbench.sql_tokens import COMPARISONS, SqlToken, glued, is_other_column, sql_tokens

_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "||")
_JOINS = ("and", "or", "not", "(", "!")
# Statements, which are looked for nowhere and never run here.
_STATEMENTS = frozenset(
    {
        *(("select", "from"), ("drop", "table"), ("drop", "view"), ("drop", "schema"), ("insert", "into")),
        *(("delete", "from"), ("create", "table"), ("create", "view"), ("create", "macro"), ("create", "or")),
        *(("union", "select"), ("union", "all"), ("alter", "table")),
    }
)
_STATEMENTS_ON_FILES = frozenset({"attach", "copy", "load", "install", "import", "export"})


def is_sql(line: str, names: ColumnNames, named: Mapping[str, str]) -> bool:
    """Whether a line is meant as SQL: it has what the shorthand of words and comparisons lacks.

    Raises:
        FilterError: the line is a statement, or has a comment or a semicolon beside a comparison.
    """
    tokens = sql_tokens(line, names)
    _refuse_statements(tokens)
    values = _values_of_texts(tokens, names)
    return any(index not in values and _shows_sql(tokens, index, names, named) for index in range(len(tokens)))


def _refuse_statements(tokens: Sequence[SqlToken]) -> None:
    compares = any(_is_comparison(tokens, index) for index in range(len(tokens)))
    for index, token in enumerate(tokens):
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.kind == "word" and after is not None:
            starts = index == 0 or tokens[index - 1].says(";")
            is_statement = (token.value, after.written.lower()) in _STATEMENTS and after.kind in ("word", "name")
            is_select = token.value == "select" and any(t.written.lower() == "from" for t in tokens[index:])
            on_file = starts and token.value in _STATEMENTS_ON_FILES and any(t.kind == "text" for t in tokens[index:])
            if is_statement or is_select or on_file:
                raise FilterError(
                    f'"{token.written} …" is a statement, and a filter is one condition on the columns of its table, '
                    "such as f1 > 0.5; to look for these words, put them in quotes"
                )
        if compares and token.says(";", "--", "/*") and not (index and tokens[index - 1].says(*COMPARISONS, "~")):
            raise FilterError(
                f'a filter is one condition, without comments and without ";": {token.written} cannot stand in it; '
                f'to look for it as text, put it in quotes: "{token.written}"'
            )


def _is_comparison(tokens: Sequence[SqlToken], index: int) -> bool:
    return tokens[index].kind == "name" and index + 1 < len(tokens) and tokens[index + 1].says(*COMPARISONS, "~")


def _values_of_texts(tokens: Sequence[SqlToken], names: ColumnNames) -> set[int]:
    """The places of what is compared with a column of words, without quotes: ``name=w1024-k8``."""
    found: set[int] = set()
    for index, token in enumerate(tokens[:-2]):
        operator, value = tokens[index + 1], tokens[index + 2]
        if token.kind != "name" or not operator.says(*COMPARISONS, "~") or value.kind == "text":
            continue
        if value.says("date", "timestamp") and index + 3 < len(tokens) and tokens[index + 3].kind == "text":
            continue
        if index and tokens[index - 1].says(*_ARITHMETIC):
            continue
        if (
            names.knows(token.value)
            and _is_words(token, names)
            and not is_other_column(token, tokens, index + 2, names)
        ):
            found.update(glued(tokens, index + 2))
    return found


def _is_words(token: SqlToken, names: ColumnNames) -> bool:
    column = names.found(token.value)
    return column is not None and column.kind in ("words", "list", "other")


def _shows_sql(tokens: Sequence[SqlToken], index: int, names: ColumnNames, named: Mapping[str, str]) -> bool:
    """Whether a part of a line is one that only SQL has."""
    token = tokens[index]
    before = tokens[index - 1] if index else None
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    starts = before is None or before.says(*_JOINS)
    is_after_operand = before is not None and (before.kind == "name" or before.says(")", "]", "not"))
    if token.kind == "word":
        return _keyword_shows_sql(tokens, index, named)
    if token.kind == "name":
        if after is not None and after.says("(") and not after.spaced and _closes(tokens, index + 1):
            return True
        return before is not None and _is_operand_of(tokens, index, names)
    if token.kind in ("number", "text"):
        # A number on the left of a column.
        starts_negative = before is not None and before.says("-") and (index < 2 or tokens[index - 2].says(*_JOINS))
        return (
            (starts or starts_negative)
            and after is not None
            and after.says(*COMPARISONS)
            and index + 2 < len(tokens)
            and (tokens[index + 2].kind == "name")
        )
    if token.says("("):
        return starts and (_closes(tokens, index) or any(t.kind == "name" for t in tokens[index:]))
    if token.says("<>", "::", "["):
        return is_after_operand
    if token.says(*_ARITHMETIC) and before is not None and after is not None:
        kinds = {before.kind, after.kind}
        operands = before.kind in ("name", "number") or before.says(")", "]")
        return operands and (after.kind in ("name", "number") or after.says("(")) and "name" in kinds
    return False


def _is_operand_of(tokens: Sequence[SqlToken], index: int, names: ColumnNames) -> bool:
    """Whether a column stands on the right of a comparison with another one."""
    before, left = tokens[index - 1], tokens[index - 2] if index > 1 else None
    if not before.says(*COMPARISONS) or left is None or left.kind != "name":
        return False
    return not _is_words(left, names) or is_other_column(left, tokens, index, names)


def _keyword_shows_sql(tokens: Sequence[SqlToken], index: int, named: Mapping[str, str]) -> bool:
    token = tokens[index]
    before = tokens[index - 1] if index else None
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if after is None:
        return False
    starts = before is None or before.says(*_JOINS)
    is_after_operand = before is not None and (before.kind == "name" or before.says(")", "]", "not"))
    match token.value:
        case "like" | "ilike" | "glob":
            return is_after_operand or (after.kind == "text" and before is not None)
        case "similar":
            return after.says("to") and (
                is_after_operand or (index + 2 < len(tokens) and tokens[index + 2].kind == "text")
            )
        case "in":
            return after.says("(") and before is not None
        case "between":
            return is_after_operand or (before is not None and after.kind in ("number", "text"))
        case "is":
            some = before is not None and after.says("null", "not", "distinct")
            return some or (is_after_operand and after.says("true", "false"))
        case "not":
            follows = after.kind == "name" or after.says("(", "in", "like", "between") or after.value in named
            return (starts and not after.says("or", "and")) or follows
        case "case":
            return any(t.says("when") for t in tokens[index:]) and any(t.says("end") for t in tokens[index:])
        case "date" | "timestamp":
            return after.kind == "text" and before is not None and before.says(*COMPARISONS, "and", "(", ",")
    return after.says("(") and not after.spaced and _closes(tokens, index + 1)


def _closes(tokens: Sequence[SqlToken], index: int) -> bool:
    """Whether the parenthesis there is closed, with something in it or not."""
    depth = 0
    for token in tokens[index:]:
        depth += token.says("(") - token.says(")")
        if depth == 0:
            return True
    return False
