"""The SQL of what a table shows: a query, narrowed by a condition and sorted by a column.

A query over millions of rows reads its wide columns late, only of the rows that are shown: it has a part ``candidates``
of narrow columns and, after it, a part ``shown`` that is a window over them. It is narrowed and sorted there, by the
columns of ``candidates``, whose ``row`` numbers them; any other query is narrowed and sorted from without.
"""

import re
from collections.abc import Mapping
from typing import Any

# Texts and comments first, so that a $name in them is left alone.
_PARAMETER_OR_OTHER = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$([a-z_][a-z0-9_]*)", re.IGNORECASE | re.DOTALL
)
# The part of a query that is a window over its candidates.
_SHOWN = re.compile(r"(?<=\n\)),\nshown AS \(\n.*?FROM \((?P<source>.*?)\)\n\)(?=,?\n)", re.DOTALL)
# The order that its rows have where nobody asks for another one.
_OWN_ORDER = re.compile(r"\bORDER BY [^()]*(?= LIMIT \$limit)")


def reads_late(sql: str) -> bool:
    """Whether a query has ``candidates``, of which each has its number, ``row``."""
    return _SHOWN.search(_body(sql)) is not None


def rows_of(sql: str, columns: str = "*") -> str:
    """A query for some columns of all the rows that can be narrowed and sorted; clauses can follow it."""
    body = _body(sql)
    shown = _SHOWN.search(body)
    if shown is None:
        return f"SELECT {columns} FROM (\n{body}\n)"
    return f"{body[: shown.start()]}\nSELECT {columns} FROM candidates"


def with_clauses(sql: str, *, where: str = "", order: str = "", limit: str = "") -> str:
    """A query with whole WHERE, ORDER BY and LIMIT clauses; without another order it keeps its own."""
    body = _body(sql)
    shown = _SHOWN.search(body)
    if shown is not None and not order:
        own = _OWN_ORDER.search(shown["source"])
        order = own[0] if own is not None else ""
    clauses = "".join(f"\n{clause}" for clause in (where, order, limit) if clause)
    if shown is None:
        return f"SELECT * FROM (\n{body}\n){clauses}"
    return _with_source(body, shown, f"FROM candidates{clauses}")


def first_rows(sql: str, count: int) -> str:
    """The first rows of a query, narrowed and sorted or not."""
    body = _body(sql)
    shown = _SHOWN.search(body)
    if shown is None:
        return f"SELECT * FROM (\n{body}\n) LIMIT {count}"
    return _with_source(body, shown, f"FROM ({shown['source']}) LIMIT {count}")


def _body(sql: str) -> str:
    return sql.strip().rstrip(";").rstrip()


def _with_source(body: str, shown: re.Match[str], source: str) -> str:
    return body[: shown.start("source")] + source + body[shown.end("source") :]


def windowed(sql: str, *, where: str = "", sort: str | None = None, descending: bool = False) -> str:
    """A query narrowed by a condition and sorted, still without LIMIT; rows without a value sort last."""
    body = _body(sql)
    if not where and sort is None:
        return body
    order = f"ORDER BY {quoted(sort)} {'DESC' if descending else 'ASC'} NULLS LAST" if sort is not None else ""
    if _SHOWN.search(body):
        return with_clauses(body, where=where and f"WHERE {where}", order=order)
    lines = ["SELECT *", "FROM (", *(f"    {line}" for line in body.splitlines()), ") AS shown"]
    if where:
        lines.append(f"WHERE {where}")
    if order:
        lines.append(order)
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
