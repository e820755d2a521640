"""Tokens in context on one line."""

import pytest
from textual.color import Color
from textual.content import Content

from saetui.tui.drawing.token_strip import StripToken, token_strip

DARK = Color.parse("#14181b")
WORDS = ["The", " first", " argument", " is", " a", " string", "\n", "or", " a", " number", "."]


def strip(width: int, focus: int, values: dict[int, float] | None = None, words: list[str] = WORDS) -> Content:
    tokens = [StripToken(word, (values or {}).get(index)) for index, word in enumerate(words)]
    return token_strip(tokens, width, top=4.0, focus=focus, background=DARK)


@pytest.mark.parametrize("width", [4, 8, 12, 20, 30, 44, 80])
@pytest.mark.parametrize("focus", [0, 3, 5, 10])
def test_it_never_exceeds_its_width(width: int, focus: int) -> None:
    assert strip(width, focus).cell_length <= width


def test_the_token_in_question_always_begins_at_the_same_place() -> None:
    places = {strip(40, focus).plain.index(WORDS[focus]) for focus in (2, 5, 9)}
    assert places == {22}


def test_what_is_left_out_is_told_and_line_breaks_are_seen() -> None:
    assert strip(40, 5).plain == " … first argument is a string↵or a…"
    assert "…" not in strip(200, 5).plain


def test_tokens_are_coloured_by_their_number() -> None:
    drawn = strip(80, 5, {2: 1.0, 5: 4.0})
    at = {word: drawn.get_style_at_offset(drawn.plain.index(word) + 1) for word in (" argument", " string", " is")}
    assert at[" is"].background is None
    weak, strong = at[" argument"].background, at[" string"].background
    assert weak is not None
    assert strong is not None
    assert strong.brightness > weak.brightness
    assert at[" string"].bold
    assert not at[" argument"].bold


def test_wide_and_odd_characters_keep_the_width() -> None:
    words = ["日本", "語", "の\u200b", "\x1b", "e\u0301", "終"]
    for width in range(4, 30):
        assert strip(width, 2, words=words).cell_length <= width


def test_no_tokens_are_no_line() -> None:
    assert token_strip([], 10, top=1.0, focus=0, background=DARK).plain == ""
