"""No table shows a part of a number, however narrow it is: columns come and go whole, and widen for what is read."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style
from textual.color import Color

from saetui.tui.drawing.heat import Heat
from saetui.tui.frame.screen import WorkbenchScreen
from saetui.tui.table.column import Column
from saetui.tui.table.layout import GUTTER, Palette, TableLayout
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.screens import screens
from tests.made_stores import copy_of
from tests.tui.frame.running import running
from tests.tui.pictures import CHOSEN, SIZES

_PLAIN, _TINTS = Style(), {"warning": "#ffff00", "error": "#ff0000"}
PALETTE = Palette(_PLAIN, _PLAIN, _PLAIN, _PLAIN, _PLAIN, _PLAIN, Color(0, 0, 0), Color(255, 128, 0), _TINTS)
WIDTHS = range(40, 201)


@pytest.fixture(scope="module")
def pictured_store(made_pictured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of(made_pictured, tmp_path_factory.mktemp("pictured") / "store")


def _line(layout: TableLayout, row: Mapping[str, Any], scroll_x: int, width: int) -> str:
    strip = layout.row(PALETTE, row, scroll_x=scroll_x, width=width, cursor=False, cell=None, marked=False)
    assert strip.cell_length == width
    return strip.text


def _header(layout: TableLayout, scroll_x: int, width: int) -> str:
    return layout.header(PALETTE, scroll_x=scroll_x, width=width, sorting={}, cursor=None).text


def _is_number(column: Column) -> bool:
    return column.align == "right" and not column.is_text


def _whole(column: Column, row: Mapping[str, Any]) -> str:
    if column.paint is not None:
        return column.paint(row, 1, PALETTE.background, PALETTE.heat).plain.strip()
    return column.written(row.get(column.key)).strip()


def _check(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], pinned: int, width: int) -> None:
    """Every number on every line, at every place where the table can be scrolled to, is the whole of one."""
    layout = TableLayout(columns, pinned=pinned)
    layout.make_room_for(rows)
    layout.arrange(width)
    for scroll_x in range(0, max(1, layout.scrolled_width(width) - width + 1), 11):
        seen = layout.seen(scroll_x, width)
        assert [column.index for column in seen] == sorted({column.index for column in seen})
        assert all(a.left + a.cells < b.left for a, b in pairwise(seen))
        assert not seen or seen[-1].left + seen[-1].cells <= width
        header = _header(layout, scroll_x, width)
        for row in rows:
            line = _line(layout, row, scroll_x, width)
            # Beside what is seen there is nothing, so that no number begins or ends there.
            taken = {cell for column in seen for cell in range(column.left, column.left + column.cells)}
            if line.isascii():
                assert not [x for x in range(GUTTER, width) if x not in taken and line[x] != " "]
            for place in seen:
                column = columns[place.index]
                if _is_number(column):
                    assert place.cells == layout.widths[place.index]
                    assert len(_whole(column, row)) <= place.cells
                    assert _whole(column, row) in line
                    assert "…" not in _whole(column, row)
        # What is left out can be scrolled to, and the header says so.
        if not seen or seen[-1].index < len(columns) - 1:
            assert header.endswith("›")


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_table_shows_whole_numbers_at_every_width(pictured_store: Path, size: tuple[int, int]) -> None:
    seen = set()
    async with running(pictured_store, size=size, record=False) as run:
        run.app.dispatch(CHOSEN)
        run.app.dispatch("letter s")
        for name in screens():
            run.app.dispatch(f"screen {name}")
            await run.until(lambda name=name: name == run.app.front_screen.NAME)
            screen = run.app.front_screen
            assert isinstance(screen, WorkbenchScreen)
            await run.until(lambda screen=screen: all(table.loaded for table in screen.query(QueryTable)))
            await run.pilot.pause()
            for table in screen.query(QueryTable):
                rows = [row for i in range(min(8, table.total)) if (row := table.row_at(i)) is not None]
                if rows:
                    seen.add(table.id)
                for width in WIDTHS:
                    _check(table.columns, rows[:2], table._columns.pinned, width)
                _check(table.columns, rows, table._columns.pinned, size[0] // 2)
                # As it is on screen.
                for index in range(table.page_rows if table.across == 1 else 0):
                    row = table.row_at(int(table.scroll_y) + index) or {}
                    line = table.render_line(index + table._header_lines).text
                    for place in table._columns.seen(int(table.scroll_x), table.scrollable_content_region.width):
                        if row and _is_number(column := table.columns[place.index]):
                            assert _whole(column, row) in line
    assert {"overview-saes", "letters-letters", "hard_tokens-tokens"} <= {str(name) for name in seen}


def test_columns_widen_for_numbers_that_would_not_fit() -> None:
    columns = (
        Column("name", "word", 4, "left", "text", grow=1),
        Column("ratio", "nonlin", 6, format=".0%", heat=Heat(0, 1)),
        Column("norm", "|e|", 5, format=".2f"),
    )
    layout = TableLayout(columns)
    layout.arrange(40)
    assert not layout.make_room_for([{"name": "a very long word", "ratio": 0.5, "norm": 1.0}])
    assert layout.make_room_for([{"name": "x", "ratio": 12345.6, "norm": -123456.789}])
    assert layout.widths[1:] == (8, 10)
    assert layout.width <= 40
    line = _line(layout, {"name": "x", "ratio": 12345.6, "norm": -123456.789}, 0, 40)
    assert "1234560%" in line
    assert "−123456.79" in line


@pytest.mark.parametrize("width", range(12, 40))
def test_a_number_that_has_no_room_is_left_out_and_words_are_cut_with_a_sign(width: int) -> None:
    columns = (
        Column("word", "word", 6, "left", "token"),
        Column("f1", "F1", 4, format=".2f"),
        Column("norm", "|e|", 8, format=".4f"),
        Column("text", "text", 12, "left", "text"),
    )
    row = {"word": " short", "f1": 0.44, "norm": 123.4567, "text": "a long sentence"}
    layout = TableLayout(columns)
    layout.arrange(width)
    for scroll_x in range(30):
        shown = _line(layout, row, scroll_x, width).split(maxsplit=1)[1:]
        numbers = [piece for piece in " ".join(shown).split() if piece[0].isdigit()]
        assert set(numbers) <= {"0.44", "123.4567"}
        if "sentence" not in " ".join(shown) and "a lo" in " ".join(shown):
            assert "…" in " ".join(shown)


def test_a_click_finds_the_column_that_is_seen_there() -> None:
    columns = [Column("key", "key", 4, "left"), *(Column(f"c{i}", f"c{i}", 4, format="d") for i in range(6))]
    layout = TableLayout(columns)
    layout.arrange(20)
    assert [column.index for column in layout.seen(0, 20)] == [0, 1, 2]
    assert layout.column_at(8, 0, 20) == 1
    # Scrolled by two cells the table begins with the next whole column.
    assert [column.index for column in layout.seen(2, 20)] == [0, 2, 3]
    assert layout.column_at(8, 2, 20) == 2
    assert layout.column_at(3, 2, 20) == 0
    assert layout.column_at(19, 2, 20) is None
    assert [layout.scroll_to_show(6, 0, 20 - layout.pinned_width), layout.seen(20, 20)[-1].index] == [20, 6]
