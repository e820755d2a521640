"""The table over a query: what it shows, says and answers to."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from textual.binding import Binding, BindingType

from saetui.tui.drawing.heat import Heat
from saetui.tui.table.column import Column
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.filter_columns import FilterError
from saetui.workbench.table_query import Order
from saetui.workbench.tables import Table
from tests.tui.table.memory_store import MemoryStore, WidgetApp, shown, title, until

MANY = 100_000
QUERIES = {
    "words": """SELECT * FROM (VALUES
        (412, ' short', 0.91::DOUBLE), (88, ' self', 0.34),
        (903, ' sea' || chr(10) || 'food [b]', NULL), (7, ' set', 0.02)
    ) AS words(latent, token, f1) WHERE f1 > $least OR f1 IS NULL""",
    "many": "SELECT i AS latent, (hash(i) % 1000) / 1000 AS f1, 'tok' || i AS token FROM range($n) AS numbers(i)",
    "wrong": "SELECT nothing FROM nowhere",
}
COLUMNS = (
    Column("latent", "latent", 6, format="d"),
    Column("f1", "F1", 5, format=".2f", heat=Heat(0, 1)),
    Column("token", "top token", 12, "left", "token", grow=1),
)


class TableApp(WidgetApp):
    BINDINGS: ClassVar[list[BindingType]] = [Binding(digit, f"note_key('{digit}')") for digit in "1234567"]


def words(*order: Order, **options: Any) -> QueryTable:
    table = Table("words", "words", "latent", title="words", order=order)
    store = MemoryStore(QUERIES)
    return QueryTable(table, COLUMNS, {"least": 0.0}, store=store, **options)


def many(*order: Order, **options: Any) -> QueryTable:
    table = Table("many", "many", "latent", title="many", order=order)
    return QueryTable(table, COLUMNS, {"n": MANY}, store=MemoryStore(QUERIES), **options)


def loaded(table: QueryTable, total: int | None = None) -> Callable[[], bool]:
    def ready() -> bool:
        laid_out = table.virtual_size.height <= table.page_rows or table.max_scroll_y > 0
        return table.loaded and (total is None or table.total == total) and table.cursor_row is not None and laid_out

    return ready


def keys(table: QueryTable) -> list[int]:
    rows = [table.row_at(index) for index in range(table.total)]
    return [row["latent"] for row in rows if row is not None]


async def test_rows_are_shown_in_columns() -> None:
    table = words()
    app = TableApp(table)
    async with app.run_test(size=(40, 8), message_hook=app.seen.append) as pilot:
        await until(pilot, loaded(table))
        assert shown(table)[:6] == [
            "  latent    F1 top token",
            "▸    412  0.91 ·short",
            "      88  0.34 ·self",
            "     903     – ·sea↵food [b]",
            "       7  0.02 ·set",
            "",
        ]
        assert "words 4" in title(table)
        (message,) = app.seen_of(QueryTable.RowHighlighted)
        assert (message.key, message.index, message.moved) == (412, 0, False)
        assert message.row == {"latent": 412, "token": " short", "f1": pytest.approx(0.91)}


async def test_the_cursor_follows_keys_and_tells() -> None:
    table = words()
    app = TableApp(table)
    async with app.run_test(size=(40, 8), message_hook=app.seen.append) as pilot:
        await until(pilot, loaded(table))
        await pilot.press("j", "j", "k", "enter")
        assert table.cursor_key == 88
        assert [m.key for m in app.seen_of(QueryTable.RowSelected)] == [88]
        assert app.seen_of(QueryTable.RowHighlighted)[-1].moved
        await pilot.press("G")
        assert table.cursor_key == 7
        await pilot.press("g")
        assert table.cursor_key == 412
        await pilot.press("k", "l", "l", "l")
        assert (table.cursor_index, table.column.key) == (0, "token")
        await pilot.press("h")
        assert table.column.key == "f1"


async def test_digits_are_not_for_the_table() -> None:
    table = words()
    app = TableApp(table)
    async with app.run_test(size=(40, 8)) as pilot:
        await until(pilot, loaded(table))
        await pilot.press("2", "3", "j")
        assert app.pressed == ["2", "3"]
        assert table.cursor_index == 1


async def test_pages_move_view_and_cursor_together() -> None:
    table = many()
    app = TableApp(table)
    async with app.run_test(size=(40, 12)) as pilot:
        await until(pilot, loaded(table, MANY))
        page = table.page_rows
        await pilot.press("pagedown")
        assert (table.cursor_index, int(table.scroll_y)) == (page, page)
        await pilot.press("ctrl+u")
        assert table.cursor_index == page - round(page / 2)
        await pilot.press("G", "ctrl+d")
        assert table.cursor_index == MANY - 1
        await until(pilot, lambda: table.cursor_row is not None)
        assert shown(table)[-1].startswith("▸  99999")


async def test_rows_are_sorted_by_the_database_and_read_anywhere() -> None:
    table = many(Order("f1", True))
    app = TableApp(table)
    async with app.run_test(size=(40, 12)) as pilot:
        await until(pilot, loaded(table, MANY))
        assert "▼F1" in shown(table)[0]
        table.cursor_index = 49_999
        await until(pilot, lambda: table.cursor_row is not None)
        reader = MemoryStore().reader()
        sql, params = table.asked().text()
        expected = reader.fetch(f"{sql} LIMIT 1 OFFSET 49999", **params).rows[0][0]
        assert table.cursor_key == expected
        table.sort_by("latent", descending=False)
        await until(pilot, lambda: table.cursor_key == 0)
        assert "▲latent" in shown(table)[0]
        table.sort_by(None)
        await until(pilot, lambda: table.cursor_key not in (None, 0))
        with pytest.raises(FilterError, match='no column "f2"'):
            table.sort_by("f2")


async def test_a_filter_keeps_the_cursor_on_its_row() -> None:
    table = many(Order("latent", False))
    app = TableApp(table)
    async with app.run_test(size=(40, 12)) as pilot:
        await until(pilot, loaded(table, MANY))
        table.cursor_index = 122
        assert table.cursor_key == 122
        table.set_filter("token~22")
        await until(pilot, lambda: table.total < MANY and table.cursor_key == 122)
        assert "/token~22" in title(table)
        assert all("22" in str(row["token"]) for row in map(table.row_at, range(5)) if row)
        table.set_filter("")
        await until(pilot, loaded(table, MANY))
        assert table.cursor_key == 122


async def test_a_wrong_filter_changes_nothing() -> None:
    table = words()
    async with TableApp(table).run_test(size=(40, 8)) as pilot:
        await until(pilot, loaded(table))
        with pytest.raises(FilterError, match='nearest is "f1"'):
            table.set_filter("f2>1")
        assert (table.filter_text, table.total) == ("", 4)
        table.set_filter("f1>5")
        await until(pilot, lambda: table.total == 0)
        assert "no row passes the filter f1>5" in shown(table)[1]


async def test_what_is_wrong_with_a_query_is_shown() -> None:
    table = QueryTable(Table("wrong", "wrong", "latent"), COLUMNS, store=MemoryStore(QUERIES))
    async with TableApp(table).run_test(size=(60, 8)) as pilot:
        await until(pilot, lambda: table.error)
        assert "nowhere" in shown(table)[1]


async def test_an_unknown_query_is_said_until_there_is_one() -> None:
    store = MemoryStore(QUERIES)
    table = QueryTable(Table("nothing", "nothing", "latent"), COLUMNS, store=store)
    async with TableApp(table).run_test(size=(60, 8)) as pilot:
        await until(pilot, lambda: table.error)
        assert "no query 'nothing'" in shown(table)[1]
        store.queries["nothing"] = QUERIES["words"]
        table.set_params(least=0.0)
        await until(pilot, loaded(table, 4))
        assert table.error == ""


async def test_a_query_that_is_refused_cannot_be_filtered() -> None:
    table = QueryTable(Table("wrong", "wrong", "latent"), COLUMNS, store=MemoryStore(QUERIES))
    async with TableApp(table).run_test(size=(60, 8)) as pilot:
        await until(pilot, lambda: table.error)
        with pytest.raises(FilterError, match="nowhere"):
            table.set_filter("f1>0.5")


async def test_other_parameters_ask_again_and_rows_may_be_gone() -> None:
    table = words()
    app = TableApp(table)
    async with app.run_test(size=(40, 8), message_hook=app.seen.append) as pilot:
        await until(pilot, loaded(table))
        await pilot.press("j")
        table.set_params(least=0.1)
        await until(pilot, loaded(table, 3))
        assert table.cursor_key == 88
        table.set_params(least=0.5)
        await until(pilot, loaded(table, 2))
        assert keys(table) == [412, 903]
        assert table.cursor_key == 412
        assert [m.total for m in app.seen_of(QueryTable.Loaded)] == [4, 3, 2]


async def test_going_to_a_row_that_is_not_there_leaves_no_row_under_the_cursor_and_says_nothing() -> None:
    table = words()
    app = TableApp(table)
    async with app.run_test(size=(40, 8), message_hook=app.seen.append) as pilot:
        await until(pilot, loaded(table))
        table.go_to_key(903)
        assert table.cursor_index == 2
        await pilot.pause()
        said = len(app.seen_of(QueryTable.RowHighlighted))
        table.go_to_key(5)
        await until(pilot, lambda: len(app.seen_of(QueryTable.Loaded)) == 2)
        assert (table.cursor_row, len(app.seen_of(QueryTable.RowHighlighted))) == (None, said)
        await pilot.press("j")
        assert table.cursor_index == 0


async def test_going_to_a_row_far_away_reads_around_it() -> None:
    table = many(Order("f1", True))
    async with TableApp(table).run_test(size=(40, 12)) as pilot:
        await until(pilot, loaded(table, MANY))
        table.go_to_key(4711)
        await until(pilot, lambda: table.cursor_key == 4711)
        assert any(line.startswith("▸   4711") for line in shown(table))


async def test_marked_rows_are_drawn_bold() -> None:
    table = words()
    async with TableApp(table).run_test(size=(40, 8)) as pilot:
        await until(pilot, loaded(table))
        table.set_marks(frozenset({88}))
        strip = table.render_line(2)
        assert strip.text.startswith(" ◆")
        assert all(segment.style is not None and segment.style.bold for segment in list(strip)[:2])


async def test_narrow_tables_scroll_sideways_by_columns_and_keep_the_first() -> None:
    table = words()
    async with TableApp(table).run_test(size=(18, 8)) as pilot:
        await until(pilot, loaded(table))
        assert shown(table)[0].endswith("›")
        await pilot.press("l", "l")
        assert shown(table)[1].startswith("▸    412 ·short")
        assert "‹" in shown(table)[0]
        await pilot.press("h")
        assert "0.91" in shown(table)[1]


async def test_folded_records_stand_side_by_side() -> None:
    table = words(fold=True, counted=False)
    async with TableApp(table).run_test(size=(60, 8)) as pilot:
        await until(pilot, loaded(table))
        assert table.across == 2
        first, second = shown(table)[:2]
        assert "·short" in first
        assert "·self" in first
        assert "·set" in second
        await pilot.press("j")
        assert table.cursor_key == 903
        await pilot.press("l")
        assert table.cursor_key == 7
        assert title(table) == "words"


async def test_the_mouse_chooses_rows_columns_and_labels() -> None:
    table = words()
    app = TableApp(table)
    async with app.run_test(size=(40, 8), message_hook=app.seen.append) as pilot:
        await until(pilot, loaded(table))
        await pilot.click(table, offset=(12, 3))
        assert (table.cursor_key, table.column.key) == (88, "f1")
        await pilot.click(table, offset=(12, 1))
        assert [m.column.key for m in app.seen_of(QueryTable.HeaderSelected)] == ["f1"]
        await pilot.click(table, offset=(12, 3), times=2)
        assert [m.key for m in app.seen_of(QueryTable.RowSelected)] == [88]


async def test_the_query_is_the_one_that_is_shown() -> None:
    table = words()
    async with TableApp(table).run_test(size=(40, 8)) as pilot:
        await until(pilot, loaded(table))
        table.set_filter("s f1>0.1")
        table.sort_by("F1")
        await until(pilot, lambda: table.total == 2)
        sql, params = table.asked().text()
        rows = MemoryStore().reader().fetch(sql, **params).rows
        assert [row[0] for row in rows] == keys(table) == [412, 88]


async def test_going_to_a_row_of_the_next_answer_does_not_look_into_this_one() -> None:
    table = words(Order("f1", True))
    async with TableApp(table).run_test(size=(40, 8)) as pilot:
        await until(pilot, loaded(table))
        await pilot.press("j", "j")
        assert table.cursor_key == 7
        table.set_params(least=0.1)
        table.go_to_key(903)
        await until(pilot, loaded(table, 3))
        assert table.cursor_key == 903
