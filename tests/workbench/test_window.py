"""A query as a person narrowed and sorted it."""

import duckdb
import pytest

from saetui.workbench.window import literal_sql, parameter_names, windowed

TABLE = """-- Which words? $comment
SELECT * FROM (VALUES ('short', 0.9), ('self', 0.1), ('set', NULL)) AS words(word, f1);
"""


def shown(**narrowed: object) -> list[str]:
    return [row[0] for row in duckdb.sql(windowed(TABLE, **narrowed)).fetchall()]  # type: ignore[arg-type]


def test_a_condition_narrows() -> None:
    assert shown(where="f1 > 0.5") == ["short"]


def test_rows_without_a_value_sort_last_either_way() -> None:
    assert shown(sort="f1") == ["self", "short", "set"]
    assert shown(sort="f1", descending=True) == ["short", "self", "set"]


def test_parameters_are_found_and_written_outside_texts_and_comments_only() -> None:
    sql = "SELECT $letter, '$5', \"$x\", $n + $n -- $not\n/* $nor */"
    assert parameter_names(sql) == ["letter", "n"]
    written = literal_sql(sql, {"letter": "it's", "n": 2, "not": 1})
    assert written == "SELECT 'it''s', '$5', \"$x\", 2 + 2 -- $not\n/* $nor */"


@pytest.mark.parametrize("value", [None, True, 1.5, "it's", ["a", "b"], [1, 2], -3])
def test_a_written_value_is_the_value(value: object) -> None:
    (row,) = duckdb.sql(literal_sql("SELECT $v", {"v": value})).fetchall()
    assert row[0] == value
