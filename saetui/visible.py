"""Text that is not ours made visible: control characters, bidirectional and zero-width marks, leading spaces.

Every name, token, title, note and log line of a model, a file or another person goes through here before a terminal.
"""

import unicodedata
from functools import lru_cache

LEADING_SPACE = "·"
_NAMED = {"\n": "↵", "\t": "⇥", "\r": "␍", "\x7f": "␡"}
# Categories that print nothing or move other text about: controls, formats, surrogates, private use, separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_COMBINING = frozenset({"Mn", "Me", "Mc"})


def _visible_character(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if ord(character) < 0x20:
        return chr(0x2400 + ord(character))
    category = unicodedata.category(character)
    if category in _HIDDEN:
        return f"\\u{ord(character):04x}"
    if category == "Zs" and character != " ":
        return "␣"
    return character


@lru_cache(maxsize=16384)
def visible(text: str) -> str:
    """``text`` on one line with nothing hidden: ``"a\\nb"`` is ``"a↵b"``."""
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(map(_visible_character, text))
    # A mark without its base letter would attach itself to the neighbouring cell.
    return "◌" + shown if unicodedata.category(shown[:1] or " ") in _COMBINING else shown


def visible_lines(text: str) -> str:
    """``text`` with its line breaks kept and nothing else hidden, for messages of several lines."""
    return "\n".join(visible(line.removesuffix("\r")) for line in text.split("\n"))


@lru_cache(maxsize=16384)
def visible_token(surface: str) -> str:
    """A token's surface with leading spaces as dots: ``" short"`` is ``"·short"``; a trailing space shows as well."""
    word = surface.lstrip(" ")
    leading = len(surface) - len(word)
    stripped = word.rstrip(" ")
    return LEADING_SPACE * leading + visible(stripped) + LEADING_SPACE * (len(word) - len(stripped))
