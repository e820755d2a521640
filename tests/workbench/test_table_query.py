"""The query of a table as a person narrowed and sorted it."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pytest

from saetui.workbench.filter_columns import Condition
from saetui.workbench.table_query import Order, TableQuery
from store.queries import named_query

WORDS = """-- Which words? $comment
SELECT * FROM (VALUES ('short', 0.9, 2), ('self', 0.1, 1), ('set', NULL, 1)) AS words(word, f1, n) -- all of them
;
"""
LATE = """WITH candidates AS (
    SELECT i AS row, i % 3 AS third FROM range(7) AS numbers(i)
)
-- shown
, shown AS (
    SELECT *, row_number() OVER () AS shown_place FROM (FROM candidates ORDER BY row)
)
-- end of shown
SELECT row * 10 AS wide FROM shown ORDER BY shown_place"""


def answer(asked: tuple[str, dict[str, Any]]) -> list[tuple[Any, ...]]:
    return duckdb.execute(asked[0], asked[1] or None).fetchall()


def words(where: str = "", order: Sequence[Order] = (), **values: Any) -> TableQuery:
    return TableQuery(WORDS, {}, "word", Condition(where, values), tuple(order))


def shown(query: TableQuery) -> list[str]:
    return [row[0] for row in answer(query.text())]


def test_a_condition_narrows() -> None:
    query = words("f1 > $least -- yes\n", least=0.5)
    assert shown(query) == ["short"]
    assert answer(query.count()) == [(1,)]


def test_rows_without_a_value_sort_last_either_way() -> None:
    assert shown(words(order=[Order("f1")])) == ["self", "short", "set"]
    assert shown(words(order=[Order("f1", True)])) == ["short", "self", "set"]


def test_rows_that_are_equal_in_the_order_are_sorted_by_the_key() -> None:
    assert shown(words(order=[Order("n")])) == ["self", "set", "short"]
    assert shown(words(order=[Order("n", True)])) == ["short", "self", "set"]


def test_a_window_cuts_what_is_narrowed_and_sorted() -> None:
    assert [row[0] for row in answer(words("n = 1", [Order("word", True)]).window(1, 5))] == ["self"]


def test_columns_that_need_quotes_can_be_sorted_by() -> None:
    query = TableQuery('SELECT i AS "a ""b"" c" FROM range(3) AS t(i)', order=(Order('a "b" c', True),))
    assert answer(query.text()) == [(2,), (1,), (0,)]


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(duckdb.Error, match="densty"):
        answer(words(order=[Order("densty")]).text())


def test_the_text_of_a_query_is_itself_where_nothing_was_changed() -> None:
    assert TableQuery("SELECT 1 AS one -- $not a parameter\n", {"not": 1}).text() == (
        "SELECT 1 AS one -- $not a parameter",
        {},
    )


def test_a_query_that_reads_late_is_narrowed_and_sorted_among_its_candidates() -> None:
    query = TableQuery(LATE, {"unused": 1}, "wide", Condition("third < $most", {"most": 2}), (Order("third", True),))
    assert [row[0] for row in answer(query.text())] == [10, 40, 0, 30, 60]
    assert [row[0] for row in answer(query.window(1, 2))] == [40, 0]
    assert answer(query.count()) == [(5,)]
    assert answer(TableQuery(LATE, {}, "wide").text())[1] == (10,)


def test_hard_tokens_read_their_wide_columns_late() -> None:
    sql = TableQuery(named_query("hard_tokens"), {}, "place", order=(Order("change"),)).window(0, 5)[0]
    assert 'FROM candidates\nORDER BY "change" ASC NULLS LAST, "row" ASC NULLS LAST\nLIMIT 5 OFFSET 0' in sql
    assert "rank_value DESC" not in sql
