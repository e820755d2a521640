"""Deep links: a place as one short text, e.g. ``letters/s/412?sae=w2048-k4`` or ``absorption/s/short``."""

from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from saetui.commands.attention import METRICS, Place
from saetui.commands.catalogue import Catalogue
from saetui.commands.errors import CommandError

_THRESHOLDS = ("tau", "lead", "min_cosine")


def link_of(place: Place, catalogue: Catalogue) -> str:
    """The link that leads back to a place."""
    attention = place.attention
    parts = [place.screen]
    options = {}
    if place.screen == "jobs":
        parts += [quote(attention.job)] if attention.job else []
    else:
        entry = catalogue.entry(attention.sae)
        options = {"sae": entry.name if entry else None, "token": attention.token}
        if place.screen != "overview" and attention.letter:
            parts.append(attention.letter)
            if place.screen == "absorption":
                token = options.pop("token")
                parts += [quote(token)] if token is not None else []
            elif attention.latent is not None:
                parts.append(str(attention.latent))
        if place.screen == "absorption":
            options["metric"] = attention.metric if attention.metric != METRICS[0] else None
            for name in _THRESHOLDS:
                value = getattr(attention, name)
                options[name] = f"{value:g}" if value is not None else None
    query = urlencode({name: value for name, value in options.items() if value is not None})
    return "/".join(parts) + (f"?{query}" if query else "")


def read_link(link: str, catalogue: Catalogue) -> tuple[str, dict[str, Any]]:
    """``(screen, changes of attention)`` of a link; raises CommandError naming the part that leads nowhere."""
    path, _, query = link.strip().partition("?")
    screen, *rest = [unquote(part) for part in path.strip("/").split("/")]
    changes: dict[str, Any] = {}
    options = dict(parse_qsl(query))
    if "sae" in options:
        entry = catalogue.sae(options["sae"])
        changes |= {"sae": entry.sae_id, "model": entry.model_id, "hook": entry.hook_name}
    if "token" in options:
        changes["token"] = options["token"]
    if "metric" in options:
        if options["metric"] not in METRICS:
            raise CommandError(f"link {link!r}: {options['metric']!r} is none of {', '.join(METRICS)}")
        changes["metric"] = options["metric"]
    for name in _THRESHOLDS:
        if name in options:
            changes[name] = _number(link, options[name])
    if screen == "jobs":
        changes |= {"job": rest[0]} if rest else {}
        return screen, changes
    if rest:
        changes["letter"] = rest[0].lower()
    if len(rest) > 1 and screen == "absorption":
        changes["token"] = rest[1]
    elif len(rest) > 1:
        if not rest[1].isdigit():
            raise CommandError(f"link {link!r}: {rest[1]!r} is not the number of a latent")
        changes["latent"] = int(rest[1])
    return screen, changes


def _number(link: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CommandError(f"link {link!r}: {text!r} is not a number") from None
