"""Filters that are conditions in SQL: what they keep, what they may say, and what is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from saetui.workbench.filter_columns import FilterError, labelled
from saetui.workbench.row_filter import parse_filter
from saetui.workbench.table_query import TableQuery
from tests.at_once import at_once

TABLE = """
SELECT * FROM (VALUES
    (1, ' short', 'absorbed', -2.5, 0.1, true, 0.05, ' None', ['sh', 'so'], '2026-11-20'::TIMESTAMP),
    (2, ' going', 'missed', NULL, 0.9, false, 0.5, ' ==', ['go'], '2026-11-21'::TIMESTAMP),
    (3, 'None', 'partly', -0.5, 0.3, NULL, 0.9, '"', [], NULL),
    (4, ' ==', 'absorbed', 0.5, 0.4, true, NULL, 'say "hi"', NULL, '2026-11-22'::TIMESTAMP)
) AS words(latent, surface, verdict, effect, cosine, usable, damage, fired, tokens, made)
"""
# As on the screen: two widths of an SAE have one head, and two columns are called "after".
NAMES = {
    "cos": ("cosine",),
    "CE+": ("damage",),
    "main %": ("cosine",),
    "fires on": ("fired",),
    "2nd": ("damage",),
    "w8192-k4": ("effect",),
    "from": ("effect",),
    "after": ("effect", "damage"),
}
NAMED = {"marked": "latent IN (SELECT 2)"}


@dataclass
class Rows:
    rows: list[tuple[Any, ...]]


class Database:
    """A reader on a database in memory."""

    def fetch(self, sql: str, /, **params: Any) -> Rows:
        return Rows(duckdb.execute(sql, params or None).fetchall())


def kept(text: str) -> list[int]:
    condition = parse_filter(text, labelled(TableQuery(TABLE).columns(Database()), NAMES), NAMED)
    where = f"WHERE {condition.sql}" if condition else ""
    params: Mapping[str, Any] = condition.params
    return [row[0] for row in Database().fetch(f"SELECT latent FROM ({TABLE}) {where}", **params).rows]


@pytest.mark.parametrize(
    ("text", "latents"),
    [
        ("surface like '%ing'", [2]),
        ('surface LIKE "%ing"', [2]),
        ("surface not like '%o%'", [4]),
        ("surface ilike '%SHORT'", [1]),
        ("!surface like '%o%'", [4]),
        ("verdict in ('absorbed','missed')", [1, 2, 4]),
        ("verdict not in ('absorbed', 'missed')", [3]),
        ("verdict similar to 'abs.*'", [1, 4]),
        ("effect between -1 and 1", [3, 4]),
        ("effect not between -1 and 1", [1]),
        ("-1 < effect and effect < 1", [3, 4]),
        ("not usable", [2]),
        ("not (effect > 0 or cosine > 0.5)", [1, 3]),
        ("usable", [1, 4]),
        ("!usable", [2, 3]),
        ("usable is not true", [2, 3]),
        ("effect is null", [2]),
        ("effect is not null and usable", [1, 4]),
        ("effect=none or effect between 0 and 1", [2, 4]),
        ("usable = no or effect is null", [2]),
        ("verdict = absorbed and effect is not null", [1, 4]),
        ("surface~ING and not usable", [2]),
        ("surface ~ ing", [2]),
        ("abs(effect) > 1", [1]),
        ("length(surface) <= 4 and effect < 0", [3]),
        ("lower(surface) like '%none%'", [3]),
        ("tokens[1] = 'sh'", [1]),
        ("list_contains(tokens, 'go')", [2]),
        ("effect < cosine", [1, 3]),
        ("effect - damage < -1", [1, 3]),
        ("effect + 5% > 0", [4]),
        ("0.5 < damage", [3]),
        ("latent % 2 = 0", [2, 4]),
        ("coalesce(effect, 0) = 0", [2]),
        ("case when usable then effect < 0 else true end", [1, 2, 3]),
        ("made > '2026-11-20' and made < timestamp '2026-11-22'", [2]),
        ("effect <> 0.5", [1, 3]),
        ("latent::varchar = '2' or cast(latent as double) > 3.5", [2, 4]),
    ],
)
def test_a_condition_in_sql_keeps_the_rows_it_describes(text: str, latents: list[int]) -> None:
    assert kept(text) == latents


@pytest.mark.parametrize(
    ("text", "latents"),
    [
        ("cos > 0.3", [2, 4]),
        ("cos between 0.2 and 0.5", [3, 4]),
        ("CE+ > 0.1", [2, 3]),
        ("CE+ between 5% and 60%", [1, 2]),
        ("CE+ is null", [4]),
        ("main % > 50%", [2]),
        ("main % > 50% and usable is not null", [2]),
        ("fires on ~ none", [1]),
        ("fires on like '%one'", [1]),
        ("2nd > 0.4", [2, 3]),
        ("2nd is null", [4]),
        ("w8192-k4 < 0", [1, 3]),
        ("abs(w8192-k4) > 1", [1]),
        ("from between 0 and 1", [4]),
        ("from < 0 and usable is distinct from null", [1]),
        ("marked", [2]),
        ("!marked", [1, 3, 4]),
        ("not marked", [1, 3, 4]),
        ("marked or effect < -1", [1, 2]),
        ("marked or effect between 0 and 1", [2, 4]),
    ],
)
def test_names_on_the_screen_and_named_conditions_work_in_both_ways_of_writing(text: str, latents: list[int]) -> None:
    assert kept(text) == latents


@pytest.mark.parametrize(
    ("text", "latents"),
    [
        ('surface="None"', [3]),
        ("surface='None'", [3]),
        ("surface=None", []),
        ("surface in ('None')", [3]),
        ('surface = " =="', [4]),
        ('" =="', [2, 4]),
        ('fired=""""', [3]),
        ("fired='\"'", [3]),
        ('fired="say ""hi"""', [4]),
        ("fired = 'say \"hi\"' and usable is not null", [4]),
        ('fired like "%""%"', [3, 4]),
        ('"i""', None),
        ("don't", []),
        ("surface=don't", []),
        ("surface like '%''%'", []),
        ('"or"', [1, 4]),
        ('"not"', []),
        ('"usable"', []),
        ("verdict='or' or verdict='partly'", [3]),
    ],
)
def test_what_stands_in_quotes_is_text(text: str, latents: list[int] | None) -> None:
    if latents is None:
        with pytest.raises(FilterError, match="quot"):
            kept(text)
    else:
        assert kept(text) == latents


@pytest.mark.parametrize(
    "text", ["in", "like", "is", "not", "is true", "(", ":)", "why or not", ";", "--", "a-b", "C++"]
)
def test_single_words_of_sql_are_looked_for(text: str) -> None:
    assert kept(text) == kept(" ".join(f'"{word}"' for word in text.split()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("surfce like '%ing'", 'no column "surfce"; the nearest is "surface"'),
        ("surface like %ing", "text in a condition stands in quotes, as in 'ing'"),
        ("verdict in (absorbed)", "text in a condition stands in quotes, as in 'absorbed'"),
        ("not short", "rows without a text are kept by"),
        ("effect between 1", "this is no condition in SQL: syntax error"),
        ("-1 < effect < 1", "three values are compared with between"),
        ("usable and effect in (null) and 1 = null", "nothing is equal to null"),
        ("surface > 3 and effect is null", '"surface" is text'),
        ("surface in (3)", '"surface" is text'),
        ("effect in ('a')", '"effect" is a number'),
        ("effect between 'low' and 1", "cannot be compared with 'low'"),
        ("made between 'monday' and '2026-12-01'", "cannot be compared with 'monday'"),
        ("abs(effect)", "no condition; compare it"),
        ("abs(surface) > 1", "this is no condition in SQL"),
        ("lenght(surface) > 1", 'the nearest is "length"'),
        ("after is null", '"after" is the head of several columns here: effect, damage'),
        ("after > 1", '"after" is the head of several columns here: effect, damage'),
        ("surface like '%ing", "has no end"),
        ("(effect > 0", "not closed"),
        ("effect > 0 and (effect is null", "not closed"),
    ],
)
def test_what_is_not_understood_is_said(text: str, said: str) -> None:
    with pytest.raises(FilterError) as problem:
        kept(text)
    assert said in str(problem.value)


@pytest.mark.parametrize(
    "text",
    [
        "read_csv('/etc/passwd')",
        "surface in (select content from read_text('/etc/passwd'))",
        "effect > 0; drop table note",
        "; drop table note",
        "effect > 0 -- and so on",
        "effect > 0 /* and so on */",
        "attach 'other.db'",
        "copy note to 'x.csv'",
        "select * from note",
        "effect in (select 1)",
        "exists(select 1)",
        "(select max(effect) from note) > 1",
        "usable union select true",
        "count(*) > 1",
        "max(effect) > 1",
        "row_number() over () = 1",
        "effect is null) or (1=1",
        "effect is null limit 1",
        "effect is null group by all",
        "getenv('HOME') = 'x'",
        "current_setting('threads') = '1'",
        "nextval('a') > 1",
        "repeat(surface, 1000000000) = 'x'",
        "len(range(1000000000)) > 1",
        "columns(*) is null",
        "words.surface is null",
        "[x for x in tokens] is null",
        "list_filter(tokens, lambda x: x = 'a') is null",
        "effect is null and $1",
        "effect is null and ?",
        "effect is null and #1",
        "effect::struct(a int) is null",
        "(" * 300 + "effect > 0" + ")" * 300,
        "(" * 4000 + "effect > 0" + ")" * 4000,
        "effect > 0 and not (" + "effect + " * 500 + "1 > 0)",
        "-" + "- " * 4900 + "effect > 0 and effect is null",
        "effect is null and " + " and ".join(f"abs(effect) > {i}" for i in range(300)),
        "surface like '\0%'",
    ],
)
def test_hostile_filters_are_refused_at_once(text: str) -> None:
    kept("effect is null")
    with at_once(), pytest.raises(FilterError) as problem:
        kept(text)
    assert len(str(problem.value)) > 20
    assert "recursion" not in str(problem.value)


def test_nothing_typed_reaches_the_query_but_texts_and_numbers() -> None:
    columns = labelled(TableQuery(TABLE).columns(Database()), NAMES)
    condition = parse_filter("surface like 'x'') or (1=1' and cos > 3e-1", columns)
    assert condition.sql == """("surface" like 'x'') or (1=1' and "cosine" > 3e-1)"""
    assert not condition.params


def test_text_that_is_looked_for_is_known_as_such() -> None:
    columns = TableQuery(TABLE).columns(Database())
    assert parse_filter("surfac lik '%ing'", columns).texts == ("surfac", "lik", "%ing")
    assert parse_filter("effect is null", columns).texts == ()
