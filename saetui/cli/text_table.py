"""Tables of numbers as text on standard output; whatever stands in them is made visible here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from saetui.cli.printing import say
from saetui.visible import visible, visible_lines

# The width where there is no terminal: a table of data is not folded to one that is not there.
_WIDTH = 200
_TEXT = frozenset(
    {
        "name",
        "architecture",
        "hook_name",
        "letter",
        "id",
        "state",
        "kind",
        "device",
        "about",
        "note",
        "title",
        "how far",
        "word",
        "answer",
        "SAE",
    }
)
# The least cells of a column that may be cut.
_CUT = 16
# The cells between two columns, and at both edges.
_GAP, _EDGES = 3, 2


@dataclass
class TextTable:
    """Columns and rows of text, with a title above and a caption below where there is one.

    Where there is too little room only ``cut`` columns are cut; then the last columns are left out, which is said.
    """

    columns: tuple[str, ...]
    title: str | None = None
    cut: frozenset[str] = frozenset()
    caption: str | None = None
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add_row(self, *cells: object) -> None:
        """Add a row, one cell for each column; None stands for an empty one."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(tuple("" if cell is None else str(cell) for cell in cells))


def new_table(*columns: str, title: str | None = None, cut: Iterable[str] = ()) -> TextTable:
    """An empty table; columns of numbers are right-aligned, and only ``cut`` columns are cut where there is no room."""
    return TextTable(columns, title, frozenset(cut))


def cell(value: object, digits: int = 0) -> str:
    """A value as it stands in a table; a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(value: object) -> str:
    """A share as percent."""
    return f"{value:.1%}" if isinstance(value, float | int) else "–"


def print_table(table: TextTable, empty: str) -> int:
    """Print a table on standard output, or say on standard error why there is none; gives the exit code 0."""
    if not table.rows:
        say(empty, named=False)
        return 0
    from rich import box
    from rich.table import Table

    from saetui.cli.visible_console import console

    output = console(width=_WIDTH)
    shown, widths = _fitting(table, output.width)
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="bold")
    drawn.title = None if table.title is None else visible(table.title)
    captions = [table.caption] if table.caption is not None else []
    if shown < len(table.columns):
        missing = ", ".join(table.columns[shown:])
        captions.append(f"no room for {missing}; a wider terminal, or a file, has all columns")
    drawn.caption = visible_lines("\n".join(captions)) if captions else None
    drawn.caption_justify = "left"
    for column, width in zip(table.columns[:shown], widths, strict=True):
        justify: Literal["left", "right"] = "left" if column in _TEXT else "right"
        drawn.add_column(visible(column), no_wrap=True, justify=justify, width=width)
    for row in table.rows:
        drawn.add_row(*map(visible, row[:shown]))
    output.print(drawn)
    return 0


def _fitting(table: TextTable, room: int) -> tuple[int, list[int]]:
    """How many of the first columns fit, at least one, and the cells of each."""
    from rich.cells import cell_len

    texts = [[column, *(row[index] for row in table.rows)] for index, column in enumerate(table.columns)]
    widths = [max(cell_len(visible(text)) for text in column) for column in texts]
    least = [
        min(width, _CUT) if column in table.cut else width for column, width in zip(table.columns, widths, strict=True)
    ]
    shown = len(widths)
    while shown > 1 and sum(least[:shown]) + _GAP * (shown - 1) + _EDGES > room:
        shown -= 1
    too_wide = sum(widths[:shown]) + _GAP * (shown - 1) + _EDGES - room
    # The last of them that can be cut is cut first.
    for index in reversed(range(shown)):
        if too_wide > 0:
            cut = min(too_wide, widths[index] - least[index])
            widths[index] -= cut
            too_wide -= cut
    return shown, widths[:shown]
