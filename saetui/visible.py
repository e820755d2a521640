"""Text that is not ours made visible: control characters, bidirectional and zero-width marks, leading spaces.

Every name, token, title, note and log line of a model, a file or another person goes through here before a terminal.
"""

import unicodedata
from functools import lru_cache

LEADING_SPACE = "·"
_NAMED = {"\n": "↵", "\t": "⇥", "\r": "␍", "\x7f": "␡"}
# Categories that print nothing or move other text about: controls, formats, surrogates, private use, separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LONGEST_KEPT = 200
_COMBINING = frozenset({"Mn", "Me", "Mc"})
# Letters and marks that draw nothing all the same: joiners, fillers of syllables, selectors of variants, empty Braille.
BLANK = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)


def is_hidden(character: str) -> bool:
    """Whether a character draws nothing where it stands: a control, a mark of direction or of no width, half a pair."""
    return unicodedata.category(character) in _HIDDEN or character in BLANK


def _visible_character(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if ord(character) < 0x20:
        return chr(0x2400 + ord(character))
    if is_hidden(character):
        return f"\\u{ord(character):04x}"
    if character != " " and unicodedata.category(character) == "Zs":
        return "␣"
    return character


def visible(text: str) -> str:
    """``text`` on one line with nothing hidden: ``"a\\nb"`` is ``"a↵b"``."""
    if text.isascii() and text.isprintable():
        return text
    return _kept(text) if len(text) <= _LONGEST_KEPT else _made_visible(text)


def _made_visible(text: str) -> str:
    shown = "".join(map(_visible_character, text))
    # A mark without its base letter would attach itself to the neighbouring cell.
    return "◌" + shown if unicodedata.category(shown[:1] or " ") in _COMBINING else shown


# Names and tokens are shown again and again; logs and whole messages are not worth the memory.
_kept = lru_cache(maxsize=16384)(_made_visible)


def visible_lines(text: str) -> str:
    """``text`` with its line breaks kept and nothing else hidden, for messages of several lines."""
    return "\n".join(visible(line.removesuffix("\r")) for line in text.split("\n"))


def visible_token(surface: str) -> str:
    """A token's surface with leading spaces as dots: ``" short"`` is ``"·short"``; a trailing space shows as well."""
    word = surface.lstrip(" ")
    leading = len(surface) - len(word)
    stripped = word.rstrip(" ")
    return LEADING_SPACE * leading + visible(stripped) + LEADING_SPACE * (len(word) - len(stripped))
