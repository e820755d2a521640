"""Tables of numbers as text on standard output."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

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


def new_table(*columns: str, title: str | None = None) -> "Table":
    """An empty table; columns of numbers are right-aligned."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True, justify="left" if column in _TEXT else "right")
    return table


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


def print_table(table: "Table", empty: str) -> int:
    """Print a table on standard output, or say on standard error why there is none; gives the exit code 0."""
    from rich.console import Console

    if table.row_count == 0:
        print(empty, file=sys.stderr)
    else:
        # A table of data is never folded to the width of a terminal that is not there.
        Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False).print(table)
    return 0
