"""Tables of numbers as text on standard output; whatever stands in them is made visible here."""

from dataclasses import dataclass, field

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
        "device",
        "title",
        "how far",
        "word",
        "answer",
        "SAE",
    }
)


@dataclass
class TextTable:
    """Columns and rows of text, with a title above and a caption below where there is one."""

    columns: tuple[str, ...]
    title: str | None = None
    caption: str | None = None
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add_row(self, *cells: object) -> None:
        """Add a row, one cell for each column; None stands for an empty one."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(tuple("" if cell is None else str(cell) for cell in cells))


def new_table(*columns: str, title: str | None = None) -> TextTable:
    """An empty table; columns of numbers are right-aligned."""
    return TextTable(columns, title)


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

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="bold")
    drawn.title = None if table.title is None else visible(table.title)
    drawn.caption = None if table.caption is None else visible_lines(table.caption)
    drawn.caption_justify = "left"
    for column in table.columns:
        drawn.add_column(visible(column), no_wrap=True, justify="left" if column in _TEXT else "right")
    for row in table.rows:
        drawn.add_row(*map(visible, row))
    from saetui.cli.visible_console import console

    console(width=_WIDTH).print(drawn)
    return 0
