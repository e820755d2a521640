"""What stands in a cell is what a filter takes: in capitals, as a mark, rounded, in percent, as a dash."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from saetui.commands.table import Filter
from saetui.tui.hard_tokens import columns as hard_tokens
from saetui.tui.table.column import Column
from saetui.workbench.filter_columns import FilterError
from saetui.workbench.screens import tables
from saetui.workbench.workbench import Workbench
from tests.tui.pursuit_fixture import PLACES, SAE

from .test_column_names import shown

_MOST_ROWS = 400


@pytest.fixture(scope="module")
def bench(made_everything: Path) -> Iterator[Workbench]:
    opened = Workbench.open(made_everything, inline=True)
    opened.attend(sae=SAE, letter="s", pursuit=PLACES)
    opened.attend(token=next(row["surface"] for row in rows(opened, "absorption.cases") if row["answer_without"]))
    opened.attend(latent=rows(opened, "letters.latents")[0]["latent"])
    opened.attend(pursued=rows(opened, "pursuit.tokens")[0]["row"])
    yield opened
    opened.close()


def rows(bench: Workbench, table: str, filter_line: str = "") -> list[dict[str, object]]:
    bench.change_table(table, filter=filter_line)
    sql, parameters = bench.query_of(table)
    bench.change_table(table, filter="")
    return bench.store.fetch(sql, **parameters).dicts()


def columns_of(table: str) -> list[Column]:
    found = {column.key: column for of, column in shown() if of == table and column.paint is None}
    return list(found.values())


@pytest.mark.slow
@pytest.mark.parametrize("table", [table.id for table in tables().values() if table.sortable])
def test_a_row_is_kept_by_what_stands_in_its_cells(bench: Workbench, table: str) -> None:
    key, everything = tables()[table].key, rows(bench, table)[:_MOST_ROWS]
    assert everything
    for column in columns_of(table):
        cells = {column.written_of(row).strip(): row[key] for row in everything}
        for written, of in list(cells.items())[:6]:
            if not written or written.startswith("×") or column.format == "tokens":
                continue
            # Text with a space in it stands in quotes, and a dash without.
            line = f'{column.key} = "{written}"' if " " in written else f"{column.key}={written}"
            kept = {row[key] for row in rows(bench, table, _with_percent(column, line))}
            assert of in kept, line


def _with_percent(column: Column, line: str) -> str:
    """The map has no room for the sign."""
    return f"{line}%" if len(column.key) == 1 and line[-1].isdigit() else line


def test_what_is_shown_in_percent_is_known_to_be() -> None:
    wrong = set()
    for table, column in shown():
        try:
            is_percent = column.paint is None and column.written(0.25).strip("+−%") in ("25", "25.0")
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # No numbers stand there.
        writing = tables()[table].writings.get(column.key)
        if column.paint is None and is_percent != (writing is not None and writing.percent == "share"):
            wrong.add((table, column.key))
    assert wrong == set()


def test_a_share_of_more_than_one_is_said_to_be_none(bench: Workbench) -> None:
    for line in ("rate > 5", "rate>5", "rate >= 12.5", "rate between 1 and 5", "rate in (5, 6)", "5 < rate"):
        with pytest.raises(FilterError, match=r'"rate" is shown in percent.*write [\d.]+%'):
            rows(bench, "absorption.letters", line)
    assert rows(bench, "absorption.letters", "rate > 500%") == []
    assert (
        len(rows(bench, "absorption.letters", "rate <= 1")) == len(rows(bench, "absorption.letters", "rate<=100%")) > 0
    )


def test_percent_of_what_is_stored_in_percent_are_these(bench: Workbench) -> None:
    kept = [{row["row"] for row in rows(bench, "hard_tokens.absorbed", f"harder > {most}")} for most in ("5%", "5")]
    assert kept[0] == kept[1] != set()
    with pytest.raises(FilterError, match="stored in percent"):
        rows(bench, "hard_tokens.absorbed", "harder between 1% and 5%")


def test_the_letter_that_the_model_says_is_taken_as_a_capital(bench: Workbench) -> None:
    said = {str(row["answer_without"]) for row in rows(bench, "absorption.cases") if row["answer_without"]}
    for letter in said:
        capital = rows(bench, "absorption.cases", f"says={letter.upper()}")
        assert capital == rows(bench, "absorption.cases", f"says={letter}")
        assert capital == rows(bench, "absorption.cases", f"says = '{letter.upper()}' and effect is not null")
        assert capital


def test_words_that_a_column_never_says_are_an_error_with_those_that_it_says(bench: Workbench) -> None:
    with pytest.raises(FilterError, match='"verdict" is never "no"; it is one of absorbed, no lead'):
        rows(bench, "absorption.cases", "verdict = no lead")
    with pytest.raises(FilterError, match='"verdict" is never "mised"'):
        rows(bench, "letters.words", "verdict = mised")
    with pytest.raises(FilterError, match="stored as 'a'"):
        rows(bench, "absorption.cases", "answer_without in ('A', 'B')")
    missed = rows(bench, "letters.words", "verdict = ✗")
    assert missed == rows(bench, "letters.words", "verdict = Missed") != []


def test_dots_for_spaces_are_read_as_spaces(bench: Workbench) -> None:
    surface = str(rows(bench, "absorption.cases")[0]["surface"])
    assert surface.startswith(" ")
    dotted = "·" + surface[1:]
    for line in (f"word={dotted}", f"word~{dotted}", dotted, f"word = '{dotted}' and letter is not null"):
        assert surface in {row["surface"] for row in rows(bench, "absorption.cases", line)}, line


def test_a_time_is_taken_as_it_is_shown_and_refused_where_that_says_too_little(bench: Workbench) -> None:
    made = columns_of("pursuit.runs")
    written = next(column for column in made if column.key == "created").written(
        rows(bench, "pursuit.runs")[0]["created"]
    )
    assert rows(bench, "pursuit.runs", f'made = "{written}"')
    assert rows(bench, "pursuit.runs", f"made = {written[:5]}")
    with pytest.raises(FilterError, match="has its year"):
        rows(bench, "pursuit.runs", f"made > {written[:5]}")


def test_the_verdicts_and_roles_that_are_declared_are_all_there_are(bench: Workbench) -> None:
    for table in tables().values():
        for column, writing in table.writings.items():
            if writing.words:
                there = {row[column] for row in rows(bench, table.id)} - {None}
                assert there <= set(writing.words), (table.id, column)


def test_errors_as_shares_are_in_percent_and_as_norms_are_not(bench: Workbench) -> None:
    assert hard_tokens.DIGITS["share"].endswith("%")
    large = Filter("w64-k4 > 5", table="hard_tokens.tokens")
    bench.perform(large)
    bench.attend(unit="share")
    # What was said of norms still stands; typed again it is about shares.
    assert bench.asked("hard_tokens.tokens").condition
    with pytest.raises(FilterError, match="write 5%"):
        bench.perform(large)
    bench.change_table("hard_tokens.tokens", filter="")
    bench.attend(unit="norm")
