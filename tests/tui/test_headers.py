"""A header means one thing on all screens, and so does the name of a column in the queries."""

from collections import defaultdict
from collections.abc import Iterator

import pytest

from saetui.tui.absorption import columns as absorption
from saetui.tui.cards.place_text import COLUMNS, TERMS
from saetui.tui.hard_tokens import columns as hard_tokens
from saetui.tui.letters import columns as letters
from saetui.tui.overview.columns import COLUMNS as OVERVIEW
from saetui.tui.pursuit import columns as pursuit
from saetui.tui.table.column import Column
from saetui.workbench.attention import METRICS, ORDERS, UNITS
from saetui.workbench.filter_columns import plain
from saetui.workbench.glossary import GLOSSARY
from saetui.workbench.screens import tables
from saetui.workbench.view import View
from saetui.workbench.workbench import Workbench

WIDTHS = ("narrow", "normal", "wide")


def columns_of_all_tables(unit: str) -> Iterator[tuple[str, Column]]:
    """Every column that a table can have, whatever the width, the metric and the order; errors are in one unit."""

    def of(table: str, columns: tuple[Column, ...]) -> Iterator[tuple[str, Column]]:
        assert table in tables()
        yield from ((table, column) for column in columns)

    yield from of("overview.saes", OVERVIEW)
    yield from of("letters.latents", letters.LATENTS)
    yield from of("letters.words", letters.words(1.0))
    yield from of("absorption.occurrences", absorption.occurrences(1.0, 1.0))
    yield from of("absorption.map", absorption.sae_map(200))
    for width in WIDTHS:
        yield from of("letters.letters", letters.LETTERS[width])
        for metric in METRICS:
            yield from of("absorption.letters", absorption.letters(metric, width))
            yield from of("absorption.cases", absorption.cases(metric, width))
            yield from of("absorption.evidence", absorption.evidence(metric, width, 1.0))
        for order in ORDERS:
            yield from of("hard_tokens.tokens", hard_tokens.tokens([(0, "w256")], order, unit, width, 1.0))
        yield from of("hard_tokens.scaling", hard_tokens.scaling(width))
        yield from of("hard_tokens.absorbed", hard_tokens.absorbed(width))
        yield from of("pursuit.runs", pursuit.runs(width))
        yield from of("pursuit.tokens", pursuit.tokens(width, beside=True))
        yield from of("pursuit.latents", pursuit.latents(width, 1.0))


def test_every_table_with_columns_is_among_them() -> None:
    assert {table for table, _ in columns_of_all_tables("norm")} | {"jobs.jobs"} == set(tables())


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", ["label", "key"])
def test_one_name_means_one_entry_of_the_glossary(unit: str, name: str) -> None:
    meanings = defaultdict(set)
    for table, column in columns_of_all_tables(unit):
        # Bars without a header draw what the column beside them says.
        if getattr(column, name) and (column.label or column.paint is None):
            meanings[getattr(column, name)].add((column.help, table))
    several = {said: found for said, found in meanings.items() if len({entry for entry, _ in found}) > 1}
    assert several == {}


def test_the_card_of_a_token_has_the_headers_of_the_table() -> None:
    found = {c.label: c.help for table, c in columns_of_all_tables("norm") if table == "hard_tokens.tokens"}
    card = dict(zip(COLUMNS, TERMS, strict=True))
    assert {label for label in card if found.get(label, card[label]) != card[label]} == set()
    assert {"linear", "nonlinear", "L0", "CE+ own"} <= found.keys() & card.keys()


def test_every_entry_is_there() -> None:
    missing = {(t, c.key, c.help) for unit in UNITS for t, c in columns_of_all_tables(unit) if c.help not in GLOSSARY}
    assert missing == set()


def test_every_header_can_be_written_in_a_filter() -> None:
    unknown = set()
    for table, column in columns_of_all_tables("norm"):
        own = tables()[table]
        is_sae = own.sae_columns and column.key.startswith(own.sae_columns)
        named = {plain(name): meant for name, meant in own.named_columns.items()}
        if column.label and not is_sae and plain(column.label) != plain(column.key):
            unknown |= {(table, column.label)} if named.get(plain(column.label)) != (column.key,) else set()
    assert unknown == set()


def test_digests_say_what_columns_were_called_when_sessions_were_recorded(bench: Workbench) -> None:
    renamed = [table for table in tables().values() if table.renamed]
    later = [table for table in tables().values() if table.undigested]
    assert renamed
    assert later
    for own in (*renamed, *later):
        asked = bench.asked(own.id)
        ((_, rows),) = View(own.screen, bench.attention, ((own.id, asked),)).content(bench.store)["tables"].items()
        names = {column.name for column in bench.columns(own.id)}
        assert names >= {*own.renamed, *own.undigested}
        assert set(rows[0]) == {own.renamed.get(name, name) for name in names - set(own.undigested)}
        for now, before in own.renamed.items():
            assert own.named_columns[before] == (now,)
