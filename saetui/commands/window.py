"""The SQL of what a table shows: a query, narrowed by what a person typed after ``/`` and sorted by a column."""

import re
from collections.abc import Mapping
from typing import Any

# A filter with a comparison in it is an SQL predicate; anything else is text to look for.
_PREDICATE = re.compile(r"[<>=]|\b(like|ilike|in|is|between)\b", re.IGNORECASE)
# Texts and comments first, so that a $name in them is left alone.
_PARAMETER_OR_OTHER = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$([a-z_][a-z0-9_]*)", re.IGNORECASE | re.DOTALL
)


def windowed(
    sql: str,
    *,
    filter: str = "",  # noqa: A002
    sort: str | None = None,
    descending: bool = False,
) -> tuple[str, dict[str, Any]]:
    """``(sql, extra parameters)`` of a query narrowed and sorted; still without LIMIT.

    ``filter`` is part of a row's text (case does not matter; ``!text`` turns it round, ``~text`` allows letters in
    between), or an SQL predicate such as ``f1 > 0.5 and density < 0.1``. Rows without a value sort last.
    """
    body = sql.strip().rstrip(";").rstrip()
    where, parameters = _where(filter.strip())
    if not where and sort is None:
        return body, {}
    lines = ["SELECT *", "FROM (", *(f"    {line}" for line in body.splitlines()), ") AS shown"]
    if where:
        lines.append(f"WHERE {where}")
    if sort is not None:
        lines.append(f"ORDER BY {quoted(sort)} {'DESC' if descending else 'ASC'} NULLS LAST")
    return "\n".join(lines), parameters


def quoted(identifier: str) -> str:
    """A column name as SQL takes it literally."""
    return '"' + identifier.replace('"', '""') + '"'


def parameter_names(sql: str) -> list[str]:
    """The ``$names`` in a query, in order, comments and texts left out."""
    return [name for name in dict.fromkeys(_PARAMETER_OR_OTHER.findall(sql)) if name]


def literal_sql(sql: str, parameters: Mapping[str, Any]) -> str:
    """A query with its parameters written into it, ready to run elsewhere."""

    def written(match: re.Match[str]) -> str:
        return _literal(parameters[match[1]]) if match[1] in parameters else match[0]

    return _PARAMETER_OR_OTHER.sub(written, sql)


def _where(text: str) -> tuple[str, dict[str, Any]]:
    if not text:
        return "", {}
    if _PREDICATE.search(text):
        return f"({text})", {}
    negated, text = text.startswith("!"), text.removeprefix("!")
    row = "lower(concat_ws(' ', *COLUMNS(*)))"
    if text.startswith("~"):
        pattern = ".*".join(re.escape(letter) for letter in text[1:].lower())
        test, parameters = f"regexp_matches({row}, $filter_text)", {"filter_text": pattern}
    else:
        test, parameters = f"contains({row}, $filter_text)", {"filter_text": text.lower()}
    return (f"NOT {test}" if negated else test), parameters


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return "'" + str(value).replace("'", "''") + "'"
