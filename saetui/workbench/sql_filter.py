"""A filter line that is a condition in SQL, checked by DuckDB against the columns of its table.

Nothing of the line reaches a query as it was typed (``saetui.workbench.sql_writer``). DuckDB's own parser says what it
is, which runs nothing, and its binder whether it fits the columns.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

from saetui.workbench.filter_columns import ColumnNames, Condition, FilterColumn, FilterError
from saetui.workbench.sql_text import quoted
from saetui.workbench.sql_writer import DEEPEST, FUNCTIONS, ConditionWriter, named_column

_CLASSES = (
    *("CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR", "BETWEEN", "CASE", "TYPE"),
)
# What DuckDB's parser makes of operators.
_OPERATOR_FUNCTIONS = ("list_value", "regexp_full_match")
_MOST_TESTS = 100
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "threads": 1,
    "memory_limit": "200MB",
}
_lock = Lock()


def sql_condition(
    line: str,
    columns: Sequence[FilterColumn],
    names: ColumnNames,
    named: Mapping[str, str],
    looked_up: Mapping[str, str],
) -> Condition:
    """The condition of a line that ``is_sql``; raises FilterError where it is none on these columns."""
    writer = ConditionWriter(line.strip(), names, named)
    written = writer.write()
    conditions = [FilterColumn(named_column(word), "truth") for word in sorted(writer.used_named)]
    _check(written, [*columns, *conditions])
    for word in writer.used_named:
        written = written.replace(quoted(named_column(word)), f"({named[word]})")
    places = {looked_up.get(name, "") for name in writer.used}
    if len(places) == 1 and "" not in places and not writer.used_named:
        written = places.pop().format(written)
    return Condition(f"({written})")


def _check(written: str, columns: Sequence[FilterColumn]) -> None:
    """Have DuckDB parse a condition, and bind it to columns that hold nothing."""
    import duckdb

    nothing = ", ".join(column.nothing for column in columns)
    parsed = f"SELECT ({written}) AS condition FROM filtered"
    with _lock:
        cursor = _database().cursor()
        try:
            answer = json.loads(cursor.execute("SELECT json_serialize_sql($sql)", {"sql": parsed}).fetchall()[0][0])
            if answer["error"]:
                raise FilterError(_told(str(answer["error_message"])))
            known = {column.name: column for column in columns}
            _check_parts(answer, known)
            _check_texts(answer, known, cursor)
            bound = f"DESCRIBE SELECT ({written}) AS condition FROM (SELECT {nothing}) AS filtered LIMIT 0"
            kind = cursor.execute(bound).fetchall()[0][1]
        except (duckdb.Error, RecursionError) as problem:
            raise FilterError(_told(str(problem))) from problem
        finally:
            cursor.close()
    if kind != "BOOLEAN":
        raise FilterError(
            f"this is a value ({kind.lower()}) and no condition; compare it with something, as in … > 0.5"
        )


@lru_cache(maxsize=1)
def _database() -> Any:
    """A database in memory that holds nothing and reaches nothing: it parses, and is asked for types."""
    import duckdb

    database = duckdb.connect(":memory:", config=_CONFIG)
    database.execute(f"SET max_expression_depth = {2 * DEEPEST}; SET lock_configuration = true")
    return database


def _told(message: str) -> str:
    """What DuckDB says of a condition, in one sentence."""
    if "expression depth" in message or "recursion depth" in message:
        return f"this filter is nested too deeply; {DEEPEST} levels are the most"
    if "Chained comparisons" in message:
        return "three values are compared with between, as in effect between -1 and 1"
    first = message.splitlines()[0]
    said = (first.partition(" Error: ")[2] or first).rstrip(".")
    return (
        f"this is no condition in SQL: {said}; write it as in surface like '%ing' and effect < -1, "
        "or nothing but words to look for"
    )


def _parts(node: Any) -> Iterator[Mapping[str, Any]]:
    """All expressions of a parsed query."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class" in part:
                yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _check_parts(answer: Any, columns: Mapping[str, FilterColumn]) -> None:
    (statement,) = answer["statements"]
    tests = 0
    for part in _parts(statement["node"]["select_list"]):
        kind = part["class"]
        tests += kind in ("COMPARISON", "BETWEEN") or part.get("is_operator", False)
        if kind not in _CLASSES or (kind == "FUNCTION" and not _is_known(part)):
            raise FilterError("a filter has columns, values, functions of them and comparisons, and nothing else")
        if kind == "COLUMN_REF" and (len(part["column_names"]) != 1 or part["column_names"][0] not in columns):
            raise FilterError(f'no column "{".".join(part["column_names"])}" in this table')
        if kind == "COMPARISON":
            _check_comparison(part)
    if tests > _MOST_TESTS:
        raise FilterError(f"this filter has {tests:,} tests, and {_MOST_TESTS} are the most")


def _is_known(part: Mapping[str, Any]) -> bool:
    return (
        bool(part["is_operator"]) or part["function_name"] in _OPERATOR_FUNCTIONS or part["function_name"] in FUNCTIONS
    )


def _check_comparison(part: Mapping[str, Any]) -> None:
    literals = [side["literal"]["kind"] for side in (part["left"], part["right"]) if side["class"] == "CONSTANT"]
    if "NULL_LITERAL" in literals and "DISTINCT" not in part["type"]:
        raise FilterError("nothing is equal to null; write is null, or is not null")


def _compared(part: Mapping[str, Any], columns: Mapping[str, FilterColumn]) -> Iterator[tuple[FilterColumn, Any]]:
    """Every column of a comparison, with every value that it is compared with."""
    if part["class"] not in ("COMPARISON", "BETWEEN") and part["type"] not in ("COMPARE_IN", "COMPARE_NOT_IN"):
        return
    sides = [part[name] for name in ("left", "right", "input", "lower", "upper") if name in part]
    sides += part.get("children", ())
    for side in sides:
        if side["class"] == "COLUMN_REF" and side["column_names"][0] in columns:
            column = columns[side["column_names"][0]]
            if column.writing.percent == "points" and any(other.get("function_name") == "/" for other in sides):
                raise FilterError(f'"{column.name}" is stored in percent: in a condition in SQL write it without %')
            values = (other["literal"] for other in sides if other["class"] == "CONSTANT")
            yield from ((columns[side["column_names"][0]], value) for value in values)


def _check_texts(answer: Any, columns: Mapping[str, FilterColumn], cursor: Any) -> None:
    """Whether columns of words are compared with texts, and texts that others are compared with can be such values."""
    for part in _parts(answer["statements"][0]["node"]["select_list"]):
        for column, value in _compared(part, columns):
            is_number = value["kind"] in ("INTEGER", "NUMERIC")
            if column.kind == "words" and is_number:
                raise FilterError(f"\"{column.name}\" is text: put what it is compared with in quotes, as in '5'")
            if is_number:
                column.writing.check(column.name, float(value["text"]), value["text"])
            elif column.writing.words and value["kind"] == "STRING" and value["text"] not in column.writing.words:
                told = column.writing.stored(column.name, value["text"])
                raise FilterError(f"\"{column.name}\" is stored as '{told}'; write that in a condition in SQL")
            if column.kind in ("words", "list") or value["kind"] != "STRING":
                continue
            cast = f"SELECT TRY_CAST($text AS {column.type_in_sql}) IS NULL"
            if cursor.execute(cast, {"text": value["text"]}).fetchall()[0][0]:
                what = {"number": "a number", "truth": "true or false"}.get(column.kind, column.type_in_sql.lower())
                raise FilterError(f"\"{column.name}\" is {what}, and cannot be compared with '{value['text']}'")
