"""Names, parameters and values in the text of a query, found by DuckDB's own tokenizer."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any


def quoted(identifier: str) -> str:
    """A column name as SQL takes it literally."""
    return '"' + identifier.replace('"', '""') + '"'


def parameter_names(sql: str) -> list[str]:
    """The ``$names`` in a query, each once and in order; those in comments and strings are none."""
    return list(dict.fromkeys(name for _, _, name in _parameters(sql)))


def literal_sql(sql: str, parameters: Mapping[str, Any]) -> str:
    """A query with its parameters written into it, ready to run elsewhere."""
    # The tokenizer counts bytes.
    text, written, end = sql.encode(), [], 0
    for start, stop, name in _parameters(sql):
        if name in parameters:
            written += [text[end:start].decode(), _literal(parameters[name])]
            end = stop
    return "".join([*written, text[end:].decode()])


def file_of_query(sql: str, parameters: Mapping[str, Any]) -> str:
    """What stands in the file beside an export: the query as ``literal_sql`` writes it, as one statement."""
    return literal_sql(sql, parameters) + ";\n"


@lru_cache(maxsize=256)
def _parameters(sql: str) -> tuple[tuple[int, int, str], ...]:
    """``(start, stop, name)`` of every parameter, in bytes."""
    import duckdb

    text = sql.encode()
    found = []
    starts = [start for start, _ in duckdb.tokenize(sql)]
    for start, after in pairwise(starts):
        if text[start : start + 1] == b"$" and after == start + 1 and not text[after : after + 1].isdigit():
            stop = after
            while stop < len(text) and (text[stop : stop + 1].isalnum() or text[stop : stop + 1] == b"_"):
                stop += 1
            found.append((start, stop, text[after:stop].decode()))
    return tuple(found)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Without its type it would be a DECIMAL, which compares with a REAL in another way than a parameter does.
        number = repr(value) if value == value and abs(value) != float("inf") else f"'{value}'"
        return f"({number}::DOUBLE)" if value < 0 else f"{number}::DOUBLE"
    if isinstance(value, int):
        # In parentheses, or two minus signs would begin a comment.
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return "'" + str(value).replace("'", "''") + "'"
