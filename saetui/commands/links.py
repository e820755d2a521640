"""Deep links: a place as one short text, e.g. ``letters/s/412?sae=w2048-k4``."""

from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from saetui.commands.attention import Place
from saetui.commands.catalogue import Catalogue
from saetui.commands.errors import CommandError


def link_of(place: Place, catalogue: Catalogue) -> str:
    """The link that leads back to a place."""
    attention = place.attention
    parts = [place.screen]
    options = {}
    if place.screen == "jobs":
        parts += [quote(attention.job)] if attention.job else []
    else:
        entry = catalogue.entry(attention.sae)
        if place.screen != "overview" and attention.letter:
            parts.append(attention.letter)
            parts += [str(attention.latent)] if attention.latent is not None else []
        options = {"sae": entry.name if entry else None, "token": attention.token}
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
    if screen == "jobs":
        changes |= {"job": rest[0]} if rest else {}
        return screen, changes
    if rest:
        changes["letter"] = rest[0].lower()
    if len(rest) > 1:
        if not rest[1].isdigit():
            raise CommandError(f"link {link!r}: {rest[1]!r} is not the number of a latent")
        changes["latent"] = int(rest[1])
    return screen, changes
