"""Deep links: a place as one short text, e.g. ``letters/s/412?sae=w2048`` or ``hard_tokens/17/45``.

The manifest of its screen says what is in one; how each field is written and read is defined here.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from saetui.workbench.attention import METRICS, ORDERS, UNITS, Place
from saetui.workbench.catalogue import Catalogue
from saetui.workbench.exceptions import UsageError
from saetui.workbench.screens import LinkForm, current_name, no_screen, screens
from saetui.workbench.whole_numbers import whole_number

# So much of a link is repeated in a message.
_LONGEST = 100


def link_of(place: Place, catalogue: Catalogue) -> str:
    """The link that leads back to a place."""
    attention, form = place.attention, screens()[place.screen].link
    path = _path(form, [getattr(attention, name) for name in form.path])
    told = set(form.path[: len(path)]) | (set(form.implied) if len(path) == len(form.path) else set())
    options = {}
    for name in form.options:
        value = getattr(attention, name)
        if name == "sae":
            entry = catalogue.entry(value)
            value = entry.name if entry is not None else None
        elif value is not None:
            value = _FIELDS[name].written(value)
        if value is not None and name not in told:
            options[name] = value
    query = urlencode(options, errors="replace")
    return "/".join([place.screen, *path]) + (f"?{query}" if query else "")


def read_link(link: str, catalogue: Catalogue) -> tuple[str, dict[str, Any]]:
    """``(screen, changes of attention)`` of a link; raises UsageError naming the part that leads nowhere."""
    path, _, query = link.strip().partition("?")
    screen, *rest = [unquote(part) for part in path.strip("/").split("/")]
    screen = current_name(screen)
    if screen not in screens():
        raise UsageError(f"link {_shown(link)}: {no_screen(screen[:_LONGEST])}")
    form = screens()[screen].link
    options = dict(parse_qsl(query))
    changes: dict[str, Any] = {}
    try:
        if "sae" in options:
            entry = catalogue.sae(options.pop("sae"))
            changes |= {"sae": entry.sae_id, "model": entry.model_id, "hook": entry.hook_name}
        changes |= {name: field.read(options[name]) for name, field in _FIELDS.items() if name in options}
        changes |= dict.fromkeys(form.cleared)
        if form.whole and rest and len(rest) != len(form.path):
            raise _WrongPartError(form.whole)
        changes |= {name: _FIELDS[name].read(part) for name, part in zip(form.path, rest, strict=False)}
    except _WrongPartError as problem:
        raise UsageError(f"link {_shown(link)}: {problem}") from None
    return screen, changes


class _WrongPartError(Exception):
    """A part of a link that cannot be read; says why."""


@dataclass(frozen=True)
class _Field:
    """How a field of attention is written in a link: as text, or None where it need not be written."""

    read: Callable[[str], Any]
    written: Callable[[Any], str | None] = str


def _path(form: LinkForm, values: Sequence[Any]) -> list[str]:
    """The parts of the path up to the first that is not known; none where it means something only as a whole."""
    known = values[: values.index(None)] if None in values else values
    if form.whole and len(known) < len(values):
        return []
    return [quote(str(value), errors="replace") for value in known]


def _whole(what: str) -> _Field:
    def read(text: str) -> int:
        number = whole_number(text)
        if number is None:
            raise _WrongPartError(f"{_shown(text)} is not {what}")
        return number

    return _Field(read)


def _one_of(choices: Sequence[str]) -> _Field:
    """One of a few values; the first is the one that is meant where the link has none."""

    def read(text: str) -> str:
        if text not in choices:
            raise _WrongPartError(f"must be one of {', '.join(choices)}, not {_shown(text)}")
        return text

    return _Field(read, lambda value: value if value != choices[0] else None)


def _letter(text: str) -> str:
    letter = text.lower()
    if len(letter) != 1 or letter not in ascii_lowercase:
        raise _WrongPartError(f"{_shown(text)} is not one of a to z")
    return letter


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _WrongPartError(f"{_shown(text)} is not a number")
    return number


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


_TEXT, _NUMBER, _PLACE = _Field(str), _Field(_number, "{:g}".format), _whole("a context or a position")
_FIELDS: Mapping[str, _Field] = {
    "token": _TEXT,
    "metric": _one_of(METRICS),
    "order": _one_of(ORDERS),
    "unit": _one_of(UNITS),
    "letter": _Field(_letter),
    "latent": _whole("the number of a latent"),
    "context": _PLACE,
    "position": _PLACE,
    "tau": _NUMBER,
    "lead": _NUMBER,
    "min_cosine": _NUMBER,
    "pursuit": _TEXT,
    "pursued": _whole("the row of a token"),
    "beside": _TEXT,
    "pursue_tokens": _TEXT,
    "pursue_l0": _TEXT,
    "pursue_method": _TEXT,
    "job": _TEXT,
}
