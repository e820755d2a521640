"""Token text with nothing hidden in it."""

import pytest
from rich.cells import cell_len

from saetui.tui.drawing.fit import fit
from saetui.visible import visible, visible_token


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("short", "short"),
        (" short", " short"),
        ("a\nb\tc", "a↵b⇥c"),
        ("\x00\x1b[31m", "␀␛[31m"),
        ("\x7f", "␡"),
        ("\u200b", "\\u200b"),
        ("\u202eabc", "\\u202eabc"),
        ("a\u00a0b", "a␣b"),
        ("\u0301", "◌\u0301"),
        ("e\u0301", "e\u0301"),
        ("[bold]", "[bold]"),
        ("日本", "日本"),
        ("", ""),
    ],
)
def test_hidden_characters_are_seen(text: str, seen: str) -> None:
    assert visible(text) == seen


@pytest.mark.parametrize(
    ("surface", "seen"),
    [(" short", "·short"), ("short", "short"), ("  x ", "··x·"), (" ", "·"), ("\n", "↵"), ("", "")],
)
def test_a_token_shows_its_spaces(surface: str, seen: str) -> None:
    assert visible_token(surface) == seen


@pytest.mark.parametrize("text", ["", "a", "short", "a longer text", "日本語の文", "·日"])
@pytest.mark.parametrize("width", [0, 1, 2, 5, 12])
def test_text_is_fitted_to_the_cell(text: str, width: int) -> None:
    for right in (False, True):
        assert cell_len(fit(text, width, right=right)) == width


def test_what_is_cut_says_so() -> None:
    assert fit("short", 4) == "sho…"
    assert fit("short", 7, right=True) == "  short"
