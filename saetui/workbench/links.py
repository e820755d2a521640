"""Deep links: a place as one short text, e.g. ``letters/s/412?sae=w2048`` or ``hard_tokens/17/45``."""

import math
from string import ascii_lowercase
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from saetui.workbench.attention import METRICS, ORDERS, UNITS, Attention, Place
from saetui.workbench.catalogue import Catalogue
from saetui.workbench.exceptions import UsageError
from saetui.workbench.tables import TABLES, current_name
from saetui.workbench.whole_numbers import whole_number

# Options with a few values; the first is the one that is meant where the link has none.
_CHOICES = {"metric": METRICS, "order": ORDERS, "unit": UNITS}
_CHOICES_OF = {"absorption": ("metric",), "hard_tokens": ("order", "unit")}
_PURSUIT = ("pursue_tokens", "pursue_l0", "pursue_method")
_THRESHOLDS = ("tau", "lead", "min_cosine")
# So much of a link is repeated in a message.
_LONGEST = 100


def link_of(place: Place, catalogue: Catalogue) -> str:
    """The link that leads back to a place."""
    attention = place.attention
    parts = [place.screen]
    options = {}
    if place.screen == "jobs":
        parts += [quote(attention.job, errors="replace")] if attention.job else []
    else:
        entry = catalogue.entry(attention.sae)
        options = {"sae": entry.name if entry else None, "token": attention.token}
        if place.screen == "pursuit":
            parts += _pursued(attention)
            options |= {"token": None, "beside": attention.beside}
            options |= {name: getattr(attention, name) for name in _PURSUIT}
        elif place.screen == "hard_tokens":
            if attention.context is not None and attention.position is not None:
                parts += [str(attention.context), str(attention.position)]
                options.pop("token")
            options["letter"] = attention.letter
        elif place.screen != "overview" and attention.letter:
            parts.append(attention.letter)
            if place.screen == "absorption":
                token = options.pop("token")
                parts += [quote(token, errors="replace")] if token is not None else []
            elif attention.latent is not None:
                parts.append(str(attention.latent))
        for name in _CHOICES_OF.get(place.screen, ()):
            value = getattr(attention, name)
            options[name] = value if value != _CHOICES[name][0] else None
        if place.screen == "absorption":
            for name in _THRESHOLDS:
                threshold = getattr(attention, name)
                options[name] = f"{threshold:g}" if threshold is not None else None
    query = urlencode({name: value for name, value in options.items() if value is not None}, errors="replace")
    return "/".join(parts) + (f"?{query}" if query else "")


def read_link(link: str, catalogue: Catalogue) -> tuple[str, dict[str, Any]]:
    """``(screen, changes of attention)`` of a link; raises UsageError naming the part that leads nowhere."""
    path, _, query = link.strip().partition("?")
    screen, *rest = [unquote(part) for part in path.strip("/").split("/")]
    screen = current_name(screen)
    screens = list(dict.fromkeys(spec.screen for spec in TABLES.values()))
    if screen not in screens:
        raise UsageError(f"link {_shown(link)}: no screen {_shown(screen)}; there are {', '.join(screens)}")
    changes: dict[str, Any] = {}
    options = dict(parse_qsl(query))
    if "sae" in options:
        entry = catalogue.sae(options["sae"])
        changes |= {"sae": entry.sae_id, "model": entry.model_id, "hook": entry.hook_name}
    if "token" in options:
        changes["token"] = options["token"]
    for name, choices in _CHOICES.items():
        if name in options:
            if options[name] not in choices:
                raise UsageError(
                    f"link {_shown(link)}: must be one of {', '.join(choices)}, not {_shown(options[name])}"
                )
            changes[name] = options[name]
    if "letter" in options:
        changes["letter"] = _letter(link, options["letter"])
    for name in _THRESHOLDS:
        if name in options:
            changes[name] = _number(link, options[name])
    if screen == "pursuit":
        return screen, changes | _read_pursuit(link, rest, options)
    if screen == "jobs":
        changes |= {"job": rest[0]} if rest else {}
        return screen, changes
    if screen == "hard_tokens":
        return screen, changes | _place(link, rest)
    if rest and screen != "overview":
        changes["letter"] = _letter(link, rest[0])
    if len(rest) > 1 and screen == "absorption":
        changes["token"] = rest[1]
    elif len(rest) > 1:
        changes["latent"] = _whole(link, rest[1], "the number of a latent")
    return screen, changes


def _place(link: str, rest: list[str]) -> dict[str, int]:
    if not rest:
        return {}
    if len(rest) != 2:
        raise UsageError(f"link {_shown(link)}: a place is a context and a position, e.g. hard_tokens/17/45")
    context, position = (_whole(link, part, "a context or a position, e.g. hard_tokens/17/45") for part in rest)
    return {"context": context, "position": position}


def _letter(link: str, text: str) -> str:
    letter = text.lower()
    if len(letter) != 1 or letter not in ascii_lowercase:
        raise UsageError(f"link {_shown(link)}: {_shown(text)} is not one of a to z")
    return letter


def _number(link: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"link {_shown(link)}: {_shown(text)} is not a number")
    return number


def _whole(link: str, text: str, what: str) -> int:
    number = whole_number(text)
    if number is None:
        raise UsageError(f"link {_shown(link)}: {_shown(text)} is not {what}")
    return number


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def _pursued(attention: Attention) -> list[str]:
    """The pursuit that is looked at, and the token in it."""
    if attention.pursuit is None:
        return []
    return [attention.pursuit, *([str(attention.pursued)] if attention.pursued is not None else [])]


def _read_pursuit(link: str, rest: list[str], options: dict[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {name: options[name] for name in ("beside", *_PURSUIT) if name in options}
    changes["pursuit"] = rest[0] if rest else None
    if len(rest) > 1:
        changes["pursued"] = _whole(link, rest[1], "the row of a token")
    return changes
