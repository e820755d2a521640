"""How a column writes its values."""

from datetime import datetime
from typing import Any

import pytest

from saetui.tui.drawing.fit import short_number
from saetui.tui.table.column import Column


@pytest.mark.parametrize(
    ("form", "value", "written"),
    [
        (".2f", 0.456, "0.46"),
        (".2f", -0.4, "−0.40"),
        (",d", 1234567, "1,234,567"),
        (".1%", 0.064, "6.4%"),
        (".2f", None, "–"),
        (".2f", float("nan"), "–"),
        ("text", "a\nb [bold]", "a↵b [bold]"),
        ("token", " short", "·short"),
        ("tokens", [" a", None, "b"], "·a b"),
        ("short", 34_567, "35k"),
        ("dot", True, "●"),
        ("dot", False, ""),
        ("time", datetime(2026, 11, 20, 9, 5), "11-20 09:05"),
        ("sparkline", [0, 1, 8], " ▁█"),
        (lambda value: f"<{value}>", 3, "<3>"),
        (lambda value: "none" if value is None else "some", None, "none"),
    ],
)
def test_values_are_written_by_their_format(form: Any, value: Any, written: str) -> None:
    assert Column("x", "x", format=form).written(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (999, "999"), (999.6, "1.0k"), (1234, "1.2k"), (10_000, "10k"), (2_000_000, "2.0M"), (-1500, "−1.5k")],
)
def test_short_numbers_have_a_suffix(value: float, written: str) -> None:
    assert short_number(value) == written


def test_a_number_that_does_not_fit_is_not_cut_to_a_wrong_one() -> None:
    assert Column("x", "x", format="d").cell(123456, 4) == "   …"
    assert Column("x", "x", format="d").cell(1234, 6) == "  1234"


def test_words_are_cut_with_an_ellipsis() -> None:
    assert Column("x", "x", align="left", format="token").cell(" environment", 6) == "·envi…"
