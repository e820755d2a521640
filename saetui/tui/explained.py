"""The numbers on screen that a person asks about: each with its term, as it is written there, and what it is of."""

from dataclasses import dataclass

from saetui.tui.table.query_table import QueryTable
from saetui.workbench.filter_columns import plain


@dataclass(frozen=True)
class Explained:
    """A number on screen: its term in the glossary, how it is written there, and what it is of.

    ``column`` is what SQL calls it, where the screen has another name for it.
    """

    term: str
    value: str | None = None
    of: str = ""
    column: str = ""


def cell_explained(table: QueryTable) -> Explained:
    """The cell under the cursor of a table; without a value where there is no row, or it is still being read."""
    column = table.column
    term, row = column.help or column.key, table.cursor_row
    in_sql = column.key if plain(column.label) != plain(column.key) else ""
    if row is None or not table.up_to_date:
        return Explained(term, column=in_sql)
    named = [c for c in table.columns if c.key == table.table.key] or [c for c in table.columns if c.is_text]
    of = [column.label or term, table.table.title]
    if named and named[0] != column:
        of.append(named[0].written_of(row))
    return Explained(term, column.written_of(row), " · ".join(of), in_sql)
