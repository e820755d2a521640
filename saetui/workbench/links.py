"""Deep links: a place as one short text, e.g. ``letters/s/412?sae=w2048`` or ``hard_tokens/17/45``.

The manifest of its screen says what is in one, ``link_fields`` how each field is written and read.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from saetui.workbench.attention import Place
from saetui.workbench.catalogue import Catalogue
from saetui.workbench.exceptions import UsageError
from saetui.workbench.link_fields import FIELDS, KNOWN_FIELDS, LONGEST, WrongPartError, shown
from saetui.workbench.screens import LinkForm, current_name, no_screen, screens


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
            value = FIELDS[name].written(value)
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
        raise UsageError(f"link {shown(link)}: {no_screen(screen[:LONGEST])}")
    form = screens()[screen].link
    options = dict(parse_qsl(query))
    changes: dict[str, Any] = {}
    try:
        if "sae" in options:
            entry = catalogue.sae(options.pop("sae"))
            changes |= {"sae": entry.sae_id, "model": entry.model_id, "hook": entry.hook_name}
        if unknown := sorted(options.keys() - FIELDS.keys()):
            raise WrongPartError(
                f"{shown(unknown[0])} is no part of a link; there are {', '.join(sorted(KNOWN_FIELDS))}"
            )
        changes |= {name: field.read(options[name]) for name, field in FIELDS.items() if name in options}
        changes |= dict.fromkeys(form.cleared)
        if form.whole and rest and len(rest) != len(form.path):
            raise WrongPartError(form.whole)
        if len(rest) > len(form.path):
            parts = "/".join([screen, *(name.upper() for name in form.path)])
            raise WrongPartError(f"{shown(rest[len(form.path)])} is one part too many; it is {parts}")
        changes |= {name: FIELDS[name].read(part) for name, part in zip(form.path, rest, strict=False)}
    except WrongPartError as problem:
        raise UsageError(f"link {shown(link)}: {problem}") from None
    return screen, changes


def _path(form: LinkForm, values: Sequence[Any]) -> list[str]:
    """The parts of the path up to the first that is not known; none where it means something only as a whole."""
    known = values[: values.index(None)] if None in values else values
    if form.whole and len(known) < len(values):
        return []
    return [quote(str(value), errors="replace") for value in known]
