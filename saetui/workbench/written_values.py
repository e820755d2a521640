"""How values stand on the screen, where that is otherwise than they are stored, and how what is typed so is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Literal

from saetui.visible import LEADING_SPACE
from saetui.workbench.exceptions import CommandError

_SCALES = {"%": 0.01, "k": 1e3, "M": 1e6, "G": 1e9}
_EXPONENT = re.compile(r"e([+-]?\d+)$", re.IGNORECASE)
_DECIMALS = re.compile(r"\.(\d+)")
_OUTER_DOTS = re.compile(f"^{LEADING_SPACE}+|{LEADING_SPACE}+$")
_MARKS = {"↵": "\n", "⇥": "\t", "␍": "\r"}


class FilterError(CommandError, ValueError):
    """A filter that cannot be read; the message says what is wrong with it, and what is possible."""


@dataclass(frozen=True)
class Writing:
    """How the values of a column are written: ``words`` are all that it can hold, with what stands for each.

    ``percent`` is "share" where a part of one is shown in percent, and "points" where percent are stored. A number
    with decimals that is shown without them is ``whole``.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    percent: Literal["", "share", "points"] = ""
    whole: bool = False

    def stored(self, column: str, typed: str) -> str:
        """The value that a person means, in capitals or not, or by its sign; raises FilterError where it is none."""
        wanted = _folded(typed)
        for value, written in self.words.items():
            if wanted == _folded(value) or (wanted and wanted == _folded(written)):
                return value
        raise FilterError(
            f'"{column}" is never "{typed}"; it is one of {", ".join(self.words)}, in quotes where there is a space'
        )

    def check(self, column: str, number: float, typed: str) -> None:
        """Raises FilterError where a number without % is more than the whole of what is shown in percent."""
        if self.percent == "share" and abs(number) > 1:
            raise FilterError(
                f'"{column}" is shown in percent and is a part of one, of which {typed} would be {number:.0%}; '
                f"write {typed}%, or {number * 100:g}% where that is meant"
            )


CAPITALS = Writing({letter: letter.upper() for letter in ascii_lowercase})
SHARE = Writing(percent="share")
POINTS = Writing(percent="points", whole=True)
WHOLE = Writing(whole=True)


def _folded(text: str) -> str:
    return text.strip().casefold().replace("−", "-")


def readings(text: str) -> list[str]:
    """A text as it is, and where it stands on the screen with dots for its outer spaces, the text that is shown so."""
    meant = _OUTER_DOTS.sub(lambda dots: " " * len(dots[0]), text)
    for mark, character in _MARKS.items():
        meant = meant.replace(mark, character)
    return [text] if meant == text else [text, meant]


@dataclass(frozen=True)
class TypedNumber:
    """A number with how far a value may be from it and still be written so: 0 where it stands for itself alone."""

    value: float
    within: float = 0.0


def typed_number(text: str, column: str, writing: Writing) -> TypedNumber:
    """A number as it is typed, with ``%``, ``k``, ``M`` or ``G`` after it or not.

    Raises:
        FilterError: it is none, or without % too large for what is shown in percent.
    """
    suffix = text[-1:] if text[-1:] in _SCALES else ""
    digits = text.removesuffix(suffix).replace("−", "-").replace(",", "")
    scale = 1.0 if suffix == "%" and writing.percent == "points" else _SCALES.get(suffix, 1.0)
    try:
        value = float(digits) * scale
    except ValueError:
        raise FilterError(f'"{column}" is compared with a number, as in {column}>0.5, and "{text}" is none') from None
    if not suffix:
        writing.check(column, value, text)
    decimals, exponent = _DECIMALS.search(digits), _EXPONENT.search(digits)
    power = (int(exponent[1]) if exponent else 0) - (len(decimals[1]) if decimals else 0)
    is_rounded = power < 0 or bool(suffix) or writing.whole
    # A little more, for what the arithmetic of shares loses.
    return TypedNumber(value, 0.5 * 10.0**power * scale * (1 + 1e-6) if is_rounded else 0.0)
