"""Every name over a column on the screen is one that filters and ``:sort`` know, and means that column."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from saetui.tui.absorption import columns as absorption
from saetui.tui.hard_tokens import columns as hard_tokens
from saetui.tui.letters import columns as letters
from saetui.tui.overview import columns as overview
from saetui.tui.pursuit import columns as pursuit
from saetui.tui.table.column import Column
from saetui.workbench.attention import METRICS, ORDERS, UNITS
from saetui.workbench.filter_columns import ColumnNames, FilterError, plain
from saetui.workbench.screens import tables
from saetui.workbench.tables import Table
from saetui.workbench.workbench import Workbench

WIDTHS = ("narrow", "normal", "wide")


def shown() -> Iterable[tuple[str, Column]]:
    """Every column that a table of ours can have, at any width, by any metric, order and unit."""
    for width in WIDTHS:
        for metric in METRICS:
            yield from (("absorption.letters", c) for c in absorption.letters(metric, width))
            yield from (("absorption.cases", c) for c in absorption.cases(metric, width))
            yield from (("absorption.evidence", c) for c in absorption.evidence(metric, width, 1.0))
        for order in ORDERS:
            for unit in UNITS:
                yield from (("hard_tokens.tokens", c) for c in hard_tokens.tokens([], order, unit, width, 1.0))
        yield from (("hard_tokens.scaling", c) for c in hard_tokens.scaling(width))
        yield from (("hard_tokens.absorbed", c) for c in hard_tokens.absorbed(width))
        yield from (("pursuit.runs", c) for c in pursuit.runs(width))
        yield from (("pursuit.tokens", c) for beside in (False, True) for c in pursuit.tokens(width, beside=beside))
        yield from (("pursuit.latents", c) for c in pursuit.latents(width, 1.0))
    yield from (("absorption.occurrences", c) for c in absorption.occurrences(1.0, 1.0))
    yield from (("absorption.map", c) for width in (80, 200) for c in absorption.sae_map(width))
    yield from (("letters.letters", c) for width in WIDTHS for c in letters.LETTERS[width])
    yield from (("letters.latents", c) for c in letters.LATENTS)
    yield from (("letters.words", c) for c in letters.words(None))
    yield from (("overview.saes", c) for c in overview.COLUMNS)


def meanings() -> dict[tuple[str, str], set[str]]:
    """The columns that each name means in a table, by all the columns that it can have."""
    found: dict[tuple[str, str], set[str]] = {}
    for table, column in shown():
        if any(sign.isalnum() for sign in column.label):
            found.setdefault((table, column.label), set()).add(column.key)
    return found


@pytest.fixture(scope="module")
def bench(made_study: Path) -> Iterator[Workbench]:
    opened = Workbench.open(made_study, inline=True)
    yield opened
    opened.close()


def test_every_table_of_ours_is_looked_at() -> None:
    assert {table for table, _ in shown()} == {table.id for table in tables().values() if table.sortable}


@pytest.mark.parametrize(("table", "label"), meanings(), ids=lambda part: part)
def test_a_name_on_the_screen_means_its_column(bench: Workbench, table: str, label: str) -> None:
    meant, names = meanings()[table, label], ColumnNames(bench.columns(table))
    assert names.knows(label), f"give {label!r}: {sorted(meant)} among the names of {table} in its manifest"
    if len(meant) > 1:
        with pytest.raises(FilterError, match="several columns"):
            names.column(label)
    else:
        assert {names.column(label).name} == meant


def test_what_sql_is_said_to_call_a_column_is_one_of_its_query(bench: Workbench) -> None:
    names = {table: {column.name for column in bench.columns(table)} for table in {table for table, _ in shown()}}
    differing = {(table, c.label, c.key) for table, c in shown() if c.label and plain(c.label) != plain(c.key)}
    assert differing
    assert {(table, label, key) for table, label, key in differing if key not in names[table]} == set()


@pytest.mark.parametrize("table", tables().values(), ids=tables())
def test_a_table_names_no_column_that_nobody_sees(bench: Workbench, table: Table) -> None:
    here = {(label, column) for (of, label), columns in meanings().items() if of == table.id for column in columns}
    named = {label: columns for label, columns in table.named_columns.items() if label in table.names}
    written = {label: columns for label, columns in named.items() if any(sign.isalnum() for sign in label)}
    assert {(label, column) for label, columns in written.items() for column in columns} <= here
