"""Windows of rows, read by fences or by LIMIT, hold the same rows."""

from typing import Any

import pytest

from saetui.tui.table.row_window import CHUNK, ChunkCache, split_chunks
from saetui.tui.table.window_reader import FENCED_ROWS, WindowReader, Wish
from saetui.workbench.filter_columns import Condition
from saetui.workbench.table_query import Order, TableQuery
from tests.tui.table.memory_store import MemoryStore

ROWS = FENCED_ROWS + 3 * CHUNK + 7
# Ties, missing values and not-a-numbers in the column that is sorted by.
TABLE = """
SELECT i AS latent,
    CASE WHEN i % 7 = 0 THEN NULL WHEN i % 911 = 0 THEN 'nan'::DOUBLE ELSE (hash(i) % 1000) / 1000 END AS f1,
    (hash(i + 1) % 50)::INTEGER AS fires,
    CASE WHEN i % 5 = 0 THEN NULL ELSE 'token' || (hash(i + 2) % 40) END AS token
FROM range($rows) AS numbers(i)
"""


def query(*order: Order, condition: Condition | None = None, rows: int = ROWS) -> TableQuery:
    return TableQuery(TABLE, {"rows": rows, "unused": 1}, "latent", condition or Condition(), order)


def comparable(rows: Any) -> list[str]:
    return [repr(row) for row in rows]


@pytest.mark.parametrize(
    "order",
    [
        (),
        (Order("latent"),),
        (Order("f1", True),),
        (Order("f1"),),
        (Order("token"),),
        (Order("fires"), Order("f1", True)),
        (Order("f1", True), Order("token", True)),
    ],
)
def test_chunks_by_fences_are_those_by_limit(order: tuple[Order, ...]) -> None:
    reader = MemoryStore().reader()
    window = WindowReader(reader)
    ordered = query(*order)
    opened = window.read(Wish(1, ordered, (0,), opening=True))
    assert opened.total == ROWS
    assert window.needs_fences() is bool(order)
    last = (ROWS - 1) // CHUNK
    for numbers in [(0,), (1, 2), (40,), (last // 2, last // 2 + 1, last), (last,)]:
        read = window.read(Wish(1, ordered, numbers)).chunks
        for number in numbers:
            sql, params = ordered.window(number * CHUNK, CHUNK)
            assert comparable(read[number]) == comparable(reader.fetch(sql, **params).rows)
    assert len(read[last]) == ROWS - last * CHUNK


@pytest.mark.parametrize("order", [(), (Order("f1", True),), (Order("token"), Order("fires"))])
def test_a_row_is_found_by_its_key(order: tuple[Order, ...]) -> None:
    reader = MemoryStore().reader()
    ordered = query(*order)
    for key in (0, 7, 911, 15_000, ROWS - 1):
        opened = WindowReader(reader).read(Wish(1, ordered, (0,), opening=True, row_key=key))
        assert opened.place is not None
        sql, params = ordered.window(opened.place, 1)
        assert reader.fetch(sql, **params).rows[0][0] == key
        assert opened.chunks[opened.place // CHUNK][opened.place % CHUNK][0] == key
    assert WindowReader(reader).read(Wish(1, ordered, (0,), opening=True, row_key=-5)).place is None


def test_a_small_answer_is_read_at_once() -> None:
    reader = MemoryStore().reader()
    opened = WindowReader(reader).read(Wish(1, query(Order("f1"), rows=30), (0,), opening=True, row_key=14))
    assert (opened.total, len(opened.chunks[0])) == (30, 30)
    assert opened.chunks[0][opened.place or 0][0] == 14
    assert len(reader.fetched) == 1


def test_an_empty_answer_has_no_rows() -> None:
    opened = WindowReader(MemoryStore().reader()).read(Wish(1, query(rows=0), (0,), opening=True, row_key=3))
    assert (opened.total, opened.place, list(opened.chunks[0])) == (0, None, [])
    assert opened.columns == ("latent", "f1", "fires", "token")


def test_a_filter_narrows_count_windows_and_fences() -> None:
    reader = MemoryStore().reader()
    narrowed = query(Order("f1", True), condition=Condition("(fires < $most)", {"most": 45}))
    window = WindowReader(reader)
    opened = window.read(Wish(1, narrowed, (0,), opening=True))
    assert FENCED_ROWS > opened.total > ROWS // 2
    sql, params = narrowed.text()
    everything = reader.fetch(sql, **params).rows
    assert len(everything) == opened.total
    assert all(row[2] < 45 for row in everything)


def test_the_cache_forgets_the_chunks_used_longest_ago() -> None:
    cache = ChunkCache()
    for number in range(70):
        cache.put(number, [(number,)])
        cache.use([0])
    assert cache.row(0) == (0,)
    assert cache.row(1 * CHUNK) is None
    assert cache.row(69 * CHUNK) == (69,)
    assert cache.row(69 * CHUNK + 1) is None
    assert cache.missing([0, 1, 69]) == [1]


def test_rows_are_split_into_chunks() -> None:
    rows = [(i,) for i in range(CHUNK + 2)]
    assert [len(chunk) for chunk in split_chunks(3, rows).values()] == [CHUNK, 2]
    assert split_chunks(0, []) == {0: []}
