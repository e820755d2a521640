"""How each field of ``Attention`` that a link can have is written in it and read from it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

from saetui.workbench.attention import BOUNDS, METRICS, ORDERS, UNITS
from saetui.workbench.whole_numbers import whole_number

# So much of a link is repeated in a message.
LONGEST = 100


class WrongPartError(Exception):
    """A part of a link that cannot be read; says why."""


@dataclass(frozen=True)
class _Field:
    """How a field of attention is written in a link: as text, or None where it need not be written."""

    read: Callable[[str], Any]
    written: Callable[[Any], str | None] = str


def _whole(what: str) -> _Field:
    def read(text: str) -> int:
        number = whole_number(text)
        if number is None:
            raise WrongPartError(f"{shown(text)} is not {what}")
        return number

    return _Field(read)


def _one_of(choices: Sequence[str]) -> _Field:
    """One of a few values; the first is the one that is meant where the link has none."""

    def read(text: str) -> str:
        if text not in choices:
            raise WrongPartError(f"must be one of {', '.join(choices)}, not {shown(text)}")
        return text

    return _Field(read, lambda value: value if value != choices[0] else None)


def _letter(text: str) -> str:
    letter = text.lower()
    if len(letter) != 1 or letter not in ascii_lowercase:
        raise WrongPartError(f"{shown(text)} is not one of a to z")
    return letter


def _threshold(name: str) -> _Field:
    least, most = BOUNDS[name]

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise WrongPartError(f"{shown(text)} is not a number")
        if not least <= number <= most:
            raise WrongPartError(f"{name} must be from {least:g} to {most:g}, not {shown(text)}")
        return number

    return _Field(read, "{:g}".format)


def shown(text: str) -> str:
    """A part of a link in a message, cut where it is long."""
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


_TEXT, _PLACE = _Field(str), _whole("a context or a position")
FIELDS: Mapping[str, _Field] = {
    "token": _TEXT,
    "metric": _one_of(METRICS),
    "order": _one_of(ORDERS),
    "unit": _one_of(UNITS),
    "letter": _Field(_letter),
    "latent": _whole("the number of a latent"),
    "context": _PLACE,
    "position": _PLACE,
    **{name: _threshold(name) for name in BOUNDS},
    "pursuit": _TEXT,
    "pursued": _whole("the row of a token"),
    "beside": _TEXT,
    "pursue_tokens": _TEXT,
    "pursue_l0": _TEXT,
    "pursue_method": _TEXT,
    "job": _TEXT,
}
# The SAE is written by its name, which the catalogue of a store knows; it says the model and the hook point as well.
KNOWN_FIELDS = frozenset({"sae", *FIELDS})
