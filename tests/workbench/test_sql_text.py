"""Parameters and values in the text of a query."""

import duckdb
import pytest

from saetui.workbench.sql_text import literal_sql, parameter_names


def test_parameters_are_found_and_written_outside_strings_and_comments_only() -> None:
    sql = "SELECT $letter, '$5', \"$x\", '–é' || $n + $n, $$a $b$$, x->>'$.a' -- $not\n/* $nor */"
    assert parameter_names(sql) == ["letter", "n"]
    written = literal_sql(sql, {"letter": "it's", "n": 2, "not": 1, "b": 3})
    assert written == "SELECT 'it''s', '$5', \"$x\", '–é' || 2 + 2, $$a $b$$, x->>'$.a' -- $not\n/* $nor */"


def test_parameters_named_like_keywords_are_found() -> None:
    assert parameter_names("FROM t ORDER BY -$order LIMIT $limit OFFSET $offset") == ["order", "limit", "offset"]


@pytest.mark.parametrize("value", [None, True, 1.5, -1.5, 1e-12, float("inf"), "it's", ["a", "b"], [1, 2], [0.5], -3])
def test_a_written_value_is_the_value(value: object) -> None:
    assert duckdb.execute(literal_sql("SELECT $v", {"v": value})).fetchall() == [(value,)]
    if not isinstance(value, bool | str | list | None):
        assert duckdb.execute(literal_sql("SELECT 1 -$v", {"v": value})).fetchall() == [(1 - value,)]  # type: ignore[operator]


def test_a_written_number_compares_as_its_parameter() -> None:
    """A REAL 0.1 is larger than a DOUBLE 0.1, and equal to a DECIMAL 0.1."""
    sql = "SELECT 0.1::REAL > $v"
    assert (
        duckdb.execute(sql, {"v": 0.1}).fetchall()
        == duckdb.execute(literal_sql(sql, {"v": 0.1})).fetchall()
        == [(True,)]
    )
