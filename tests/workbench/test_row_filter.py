"""What a person types after ``/``, as a condition in SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from saetui.workbench.exceptions import CommandError
from saetui.workbench.filter_columns import FilterColumn, FilterError
from saetui.workbench.row_filter import parse_filter
from saetui.workbench.table_query import TableQuery

TABLE = """
SELECT * FROM (VALUES
    (412, ' short', 0.91, [' sh', ' so'], true, '2026-11-20'::TIMESTAMP),
    (88, ' self', 0.34, [' self'], false, '2026-11-21'::TIMESTAMP),
    (903, ' sea food', NULL, [], NULL, '2026-11-22'::TIMESTAMP)
) AS latents(latent, word, f1, top_tokens, is_main, added)
"""


@dataclass
class Rows:
    rows: list[tuple[Any, ...]]


class Database:
    """A reader on a database in memory."""

    def fetch(self, sql: str, /, **params: Any) -> Rows:
        return Rows(duckdb.execute(sql, params or None).fetchall())


def columns() -> tuple[FilterColumn, ...]:
    return TableQuery(TABLE).columns(Database())


def kept(text: str) -> list[int]:
    condition = parse_filter(text, columns())
    where = f"WHERE {condition.sql}" if condition else ""
    params: Mapping[str, Any] = condition.params
    rows = Database().fetch(f"SELECT latent FROM ({TABLE}) {where}", **params).rows
    return [row[0] for row in rows]


def test_columns_are_told_apart_by_their_type() -> None:
    kinds = {column.name: column.kind for column in columns()}
    assert kinds == {
        "latent": "number",
        "word": "words",
        "f1": "number",
        "top_tokens": "list",
        "is_main": "truth",
        "added": "other",
    }


@pytest.mark.parametrize(
    ("text", "latents"),
    [
        ("", [412, 88, 903]),
        ("   ", [412, 88, 903]),
        ("SE", [88, 903]),
        ("!se", [412]),
        ('"sea f"', [903]),
        ("'sea f'", [903]),
        ("~sfd", [903]),
        ("f1>0.5", [412]),
        ("f1 > 0.5", [412]),
        ("F1 >= 34%", [412, 88]),
        ("!f1>0.5", [88, 903]),
        ("f1=none", [903]),
        ("f1!=none", [412, 88]),
        ("latent<1k", [412, 88, 903]),
        ("is_main=yes", [412]),
        ("IsMain = false", [88]),
        ("word=' short'", [412]),
        ("top_tokens~so", [412]),
        ("added>2026-11-21", [88, 903]),
        ("se f1<0.5", [88]),
        ("se and f1<0.5", [88]),
        ("short or food", [412, 903]),
        ("f1>0.9 or se f1<0.5", [412, 88]),
        ("! short or food", [88]),
    ],
)
def test_a_filter_keeps_the_rows_it_describes(text: str, latents: list[int]) -> None:
    assert kept(text) == latents


@pytest.mark.parametrize("text", ["100%", "50%_", "a'b", 'a"b', "\\d", ".*", "$x", "--", ";"])
def test_what_means_something_elsewhere_is_plain_text_here(text: str) -> None:
    assert kept(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("f2>0.5", 'no column "f2"; the nearest is "f1"'),
        ("mian=true", 'the nearest is "is_main"'),
        ("f1>high", '"f1" is compared with a number'),
        ("is_main=maybe", '"is_main" is true or false, not "maybe"'),
        ("f1>", '"f1>" wants a value'),
    ],
)
def test_what_cannot_be_read_is_said_with_the_way_out(text: str, said: str) -> None:
    with pytest.raises(FilterError) as problem:
        parse_filter(text, columns())
    assert said in str(problem.value)
    assert isinstance(problem.value, CommandError)


def test_a_table_of_numbers_has_no_words_to_look_in() -> None:
    with pytest.raises(FilterError, match="compare one of: density"):
        parse_filter("short", [FilterColumn("density", "number")])
