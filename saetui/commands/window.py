"""The SQL of what a table shows: a query, narrowed by a condition and sorted by a column."""

import re
from collections.abc import Mapping
from typing import Any

# Texts and comments first, so that a $name in them is left alone.
_PARAMETER_OR_OTHER = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$([a-z_][a-z0-9_]*)", re.IGNORECASE | re.DOTALL
)


def windowed(sql: str, *, where: str = "", sort: str | None = None, descending: bool = False) -> str:
    """A query narrowed by a condition and sorted, still without LIMIT; rows without a value sort last."""
    body = sql.strip().rstrip(";").rstrip()
    if not where and sort is None:
        return body
    lines = ["SELECT *", "FROM (", *(f"    {line}" for line in body.splitlines()), ") AS shown"]
    if where:
        lines.append(f"WHERE {where}")
    if sort is not None:
        lines.append(f"ORDER BY {quoted(sort)} {'DESC' if descending else 'ASC'} NULLS LAST")
    return "\n".join(lines)


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
