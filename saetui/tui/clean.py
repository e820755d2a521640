"""The last look at every line before the terminal: nothing hidden gets through, whoever drew it."""

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from saetui.visible import BLANK, is_hidden

_EMPTY_BRAILLE = "\u2800"
_REPLACED = "�"
# What Python counts as printable although it draws nothing; drawings need the empty Braille character.
_BLANK = re.compile(f"[{''.join(sorted(BLANK - {_EMPTY_BRAILLE}))}]")


class Clean(LineFilter):
    """Takes out what ``saetui.visible`` would show; widgets show it themselves, this is for what they forget."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The line with the same number of cells."""
        if all(map(_is_clean, segments)):
            return segments
        return [part if _is_clean(part) else Segment(_cleaned(part.text), part.style) for part in segments]


def _is_clean(segment: Segment) -> bool:
    text = segment.text
    return bool(segment.control) or (text.isprintable() and (text.isascii() or not _BLANK.search(text)))


def _cleaned(text: str) -> str:
    return "".join(_REPLACED * cell_len(c) if c != _EMPTY_BRAILLE and is_hidden(c) else c for c in text)
