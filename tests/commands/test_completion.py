"""What the prompt offers next."""

import os
from pathlib import Path

import pytest

from saetui.commands.completion import completions
from saetui.workbench.workbench import Workbench


def lines(line: str, bench: Workbench) -> list[str]:
    return [offer.line for offer in completions(line, bench)]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("le", ["lead", "leave", "letter", "palette", "release"]),
        ("sae ", ["sae next", "sae previous", "sae w64-k4", "sae w256-k4", "sae w1024-k4"]),
        ("sae w2", ["sae w256-k4"]),
        ("screen l", ["screen letters"]),
        ("sort fv", ["sort fvu"]),
        ("sort fvu d", ["sort fvu down"]),
        ("sort fvu table=over", ["sort fvu table=overview.saes"]),
        ("letter s", ["letter s"]),
        ("explain absorption_ra", ["explain absorption_rate"]),
        ("nothing ", []),
        ("letter s x", []),
    ],
)
def test_completions_of_a_line_begin_with_the_expected(bench: Workbench, line: str, first: list[str]) -> None:
    assert lines(line, bench) == first


def test_an_empty_line_offers_every_command(bench: Workbench) -> None:
    assert len(lines("", bench)) > 20


def test_a_verb_is_found_by_its_middle_after_those_that_begin_so(bench: Workbench) -> None:
    assert lines("sort", bench) == ["sort", "unsort"]


def test_files_are_offered_folder_by_folder(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "grid.toml").touch()
    (tmp_path / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    assert "run specs/" in lines("run ", bench)
    assert not any(".hidden" in line for line in lines("run ", bench))
    assert lines("run specs/g", bench) == ["run specs/grid.toml"]
    assert lines(f"run {tmp_path}{os.sep}sp", bench) == [f"run {tmp_path}/specs/"]


@pytest.mark.parametrize(
    ("text", "continued"),
    [
        ("fv", ["fvu"]),
        ("fvu", []),
        ("not in_v", ["not in_view"]),
        ("fvu<0.1 and (CE r", ["fvu<0.1 and (CE rec"]),
        ("LETTER F", ["letter F1"]),
        ("abs(wid", ["abs(width"]),
        ("trun", ["trunc("]),
        ("name=w", []),
        ("name like 'wid", []),
        ("nothing", []),
    ],
)
def test_a_filter_is_continued_by_the_names_of_columns_and_functions(
    bench: Workbench, text: str, continued: list[str]
) -> None:
    assert lines(f"filter {text}", bench) == [f"filter {line}" for line in continued]


def test_a_name_on_the_screen_is_offered_with_the_column_that_it_means(bench: Workbench) -> None:
    (offer,) = completions("filter dea", bench)[:1]
    assert (offer.line, offer.help) == ("filter dead_fraction", "a number")
    assert ("filter dead", "dead_fraction, a number") in [(o.line, o.help) for o in completions("filter de", bench)]


def test_sort_takes_the_names_on_the_screen(bench: Workbench) -> None:
    assert lines("sort kin", bench) == ["sort kind"]
