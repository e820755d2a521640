"""What a table shows, what it exports and what its query answers elsewhere are the same rows in the same order."""

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from math import inf
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from saetui.tui.table.row_window import CHUNK
from saetui.tui.table.window_reader import WindowReader, Wish
from saetui.workbench.export import export
from saetui.workbench.filter_columns import FilterColumn
from saetui.workbench.screens import screens, tables
from saetui.workbench.sql_text import literal_sql
from saetui.workbench.tables import Table
from saetui.workbench.workbench import Workbench
from store import connection
from store.queries import text_of as query_text
from tests.made_stores import copy_of
from tests.tui.pursuit_fixture import PLACES, SAE

TRIES = 12
_JOB = "INSERT INTO job VALUES ($id, 'train', 'a job', 'done', 'cpu', '{}', $id, now()::TIMESTAMP, NULL, NULL, NULL)"
Row = tuple[Any, ...]


@pytest.fixture(scope="module")
def full_bench(made_everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench on a store that has rows for every table, with something chosen everywhere."""
    # Several threads add up a mean in another order each time.
    one_thread = pytest.MonkeyPatch()
    one_thread.setitem(connection._SETTINGS, "threads", 1)
    bench = Workbench.open(copy_of(made_everything, tmp_path_factory.mktemp("full") / "store"), inline=True)
    for number in range(5):
        bench.store.write(_JOB, {"id": f"job-{number}"})
    bench.attend(sae=SAE, letter="s", pursuit=PLACES)
    words = rows_of(bench, "absorption.cases")
    bench.attend(token=next(row["surface"] for row in words if row["verdict"] == "absorbed"))
    latents = rows_of(bench, "letters.latents")
    bench.attend(latent=latents[0]["latent"], pursued=rows_of(bench, "pursuit.tokens")[0]["row"])
    yield bench
    bench.close()
    one_thread.undo()


@pytest.fixture(scope="module")
def elsewhere(full_bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database of the store, opened read-only by something that knows nothing of saetui."""
    path = shutil.copy(full_bench.store.database, tmp_path_factory.mktemp("elsewhere"))
    with duckdb.connect(path, read_only=True, config={"threads": 1}) as opened:
        yield opened


def rows_of(bench: Workbench, table: str) -> list[dict[str, Any]]:
    sql, parameters = bench.query_of(table)
    return bench.store.fetch(sql, **parameters).dicts()


def shown(bench: Workbench, table: str) -> list[Row]:
    """All rows of a table as its widget reads them, chunk by chunk."""
    reader, asked = WindowReader(bench.store.reader()), bench.asked(table)
    opened = reader.read(Wish(1, asked, (0,), opening=True))
    last = max(0, opened.total - 1) // CHUNK
    chunks = opened.chunks | reader.read(Wish(1, asked, tuple(range(1, last + 1)))).chunks
    rows = [tuple(row) for number in range(last + 1) for row in chunks[number]]
    assert len(rows) == opened.total
    return rows


def exported(bench: Workbench, table: str, path: Path) -> tuple[list[Row], str]:
    """The rows of a table's file, and the query beside it."""
    export(bench.store, *bench.query_of(table), path, overwrite=True)
    found = pq.read_table(path)
    return [tuple(row.values()) for row in found.to_pylist()], path.with_suffix(".sql").read_text(encoding="utf-8")


def comparable(rows: list[Row]) -> list[str]:
    """Rows as text, in which NaN equals itself; Arrow has whole numbers of 128 bits as decimals."""
    return [repr([int(value) if isinstance(value, Decimal) else value for value in row]) for row in rows]


def a_filter(random: Random, columns: tuple[FilterColumn, ...], rows: list[dict[str, Any]], table: Table) -> str:
    """A filter of one or two terms that some rows pass, or none, in the shorthand or in SQL."""
    in_sql = random.random() < 0.5
    terms = []
    for _ in range(random.choice((0, 1, 1, 2))):
        column, row = random.choice(columns), random.choice(rows)
        name, value = random.choice((column.name, *_clear_labels(column, columns))), row.get(column.name)
        is_share = column.name in table.writings and table.writings[column.name].percent == "share"
        if is_share and value is not None:
            value = max(-1.0, min(1.0, value))
        if table.filters and random.random() < 0.2:
            terms.append(random.choice(list(table.filters)))
        elif in_sql:
            terms.append(_sql_term(random, column, name, value, most=1.0 if is_share else inf))
        elif value is None:
            terms.append(f"{name}{random.choice(('=', '!='))}none")
        elif column.kind == "number":
            terms.append(f"{name}{random.choice(('<', '<=', '>', '>=', '=', '!='))}{value!r}")
        elif column.kind == "truth":
            terms.append(f"{name}={'yes' if random.random() < 0.5 else 'no'}")
        elif column.kind == "words":
            whole, start, end = (part.replace('"', '""') for part in (value, value[:2], value[-2:]))
            terms.append(random.choice((f'{name}="{whole}"', f'!"{start}"', f'"{end}"')))
    return random.choice((" and ", " or ")).join(terms)


def _clear_labels(column: FilterColumn, columns: tuple[FilterColumn, ...]) -> list[str]:
    """The names of a column on the screen that no other has."""
    return [label for label in column.labels if sum(label in other.labels for other in columns) == 1]


def _sql_term(random: Random, column: FilterColumn, name: str, value: Any, most: float) -> str:
    if value is None or column.kind not in ("number", "truth", "words"):
        return f"{name} is {random.choice(('', 'not '))}null"
    if column.kind == "number":
        low, high = sorted((float(value), max(-most, min(most, float(value) + random.uniform(-1, 1)))))
        return random.choice((f"{name} between {low!r} and {high!r}", f"abs({name}) <= {abs(value)!r}"))
    if column.kind == "truth":
        return random.choice((f"not {name}", f"{name} is true"))
    quoted = value.replace("'", "''")
    part = value[-2:].replace("'", "''")
    return random.choice(
        (f"{name} like '%{part}'", f"{name} in ('{quoted}', '{quoted}')", f"length({name}) < {len(value)}")
    )


@pytest.mark.slow
@pytest.mark.parametrize("table", tables().values(), ids=tables())
def test_rows_shown_exported_and_queried_elsewhere_are_the_same(
    full_bench: Workbench, elsewhere: duckdb.DuckDBPyConnection, table: Table, tmp_path: Path
) -> None:
    bench, random = full_bench, Random(table.id)
    everything = rows_of(bench, table.id)
    assert len(everything) > 1, "the fixture has no rows to compare"
    keys = [row[table.key] for row in everything]
    assert len(set(keys)) == len(keys)
    for _ in range(TRIES if table.sortable else 1):
        if table.sortable:
            columns = bench.columns(table.id)
            sort = random.choice([None, *(column.name for column in columns)])
            given = {"filter": a_filter(random, columns, everything, table), "sort": sort}
            bench.change_table(table.id, **given, descending=random.random() < 0.5)
        standing = str(bench.tables[table.id])
        on_screen = comparable(shown(bench, table.id))
        written, beside = exported(bench, table.id, tmp_path / "rows.parquet")
        panel = literal_sql(*bench.query_of(table.id)).strip()
        assert beside == panel + ";\n", standing
        assert comparable(written) == on_screen, standing
        assert comparable(elsewhere.execute(beside).fetchall()) == on_screen, standing
        first, count = random.randrange(len(everything)), random.randrange(1, 60)
        sql, parameters = bench.asked(table.id).window(first, count)
        window = bench.store.fetch(sql, **parameters).rows
        assert comparable(window) == on_screen[first : first + count], standing
    bench.change_table(table.id, filter="", sort=None, descending=False)


@pytest.mark.parametrize("table", [table for table in tables().values() if not table.order], ids=lambda table: table.id)
def test_the_own_order_of_a_query_ends_with_the_key_of_its_table(table: Table) -> None:
    text = duckdb.execute("SELECT json_serialize_sql($sql)", {"sql": query_text(table.query)}).fetchall()[0][0]
    modifiers = json.loads(text)["statements"][0]["node"]["modifiers"]
    (orders,) = [modifier["orders"] for modifier in modifiers if modifier["type"] == "ORDER_MODIFIER"]
    assert orders[-1]["expression"]["column_names"][-1] == table.key


@pytest.mark.slow
def test_a_view_digests_the_rows_that_are_shown(full_bench: Workbench) -> None:
    for screen in screens():
        full_bench.show(screen)
        view = full_bench.view()
        for table, (_, *rows) in view.content(full_bench.store)["tables"].items():
            own = [row[table_key_index(full_bench, table)] for row in rows]
            assert own == [row[tables()[table].key] for row in rows_of(full_bench, table)[: len(rows)]]


def table_key_index(bench: Workbench, table: str) -> int:
    """Where the key stands in the rows of a table."""
    return list(rows_of(bench, table)[0]).index(tables()[table].key)


def test_absorbed_words_beside_others_are_those_of_all_letters(full_bench: Workbench, tmp_path: Path) -> None:
    of_all = exported(full_bench, "hard_tokens.absorbed", tmp_path / "all.parquet")[0]
    letter = full_bench.attention.letter
    full_bench.attend(letter=None)
    assert of_all == exported(full_bench, "hard_tokens.absorbed", tmp_path / "none.parquet")[0]
    full_bench.attend(letter=letter)
    assert sum(row["n_words"] for row in rows_of(full_bench, "hard_tokens.absorbed")) > 3 * len(of_all)


def test_exported_hard_tokens_have_a_value_in_every_column(full_bench: Workbench, tmp_path: Path) -> None:
    export(full_bench.store, *full_bench.query_of("hard_tokens.tokens"), tmp_path / "tokens.parquet")
    found = pq.read_table(tmp_path / "tokens.parquet")
    assert [name for name in found.column_names if found[name].null_count == found.num_rows] == []


def test_a_sorted_table_is_digested_in_the_order_of_its_key_where_rows_are_equal(full_bench: Workbench) -> None:
    full_bench.show("letters")
    full_bench.change_table("letters.words", sort="verdict", descending=False)
    rows = full_bench.view().content(full_bench.store)["tables"]["letters.words"]
    full_bench.change_table("letters.words", sort=None)
    names, pairs = rows[0], rows[1:]
    keys = [(row[names.index("verdict")], row[names.index("surface")]) for row in pairs]
    assert keys == sorted(keys)
    assert len({verdict for verdict, _ in keys}) < len(keys)
