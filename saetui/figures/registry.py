"""Which figures there are, and how one is made.

A figure is a module with a ``KIND``: the question it answers, its query, and how its rows are drawn. Those in
``saetui/figures/kinds`` are found by their files; another package adds one by an entry point of the group
``saetui.figures``, which has the figure's name and names such a module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from saetui.figures import kinds
from saetui.figures.choice import OPTIONS, Asked, Choice, make_choice
from saetui.figures.description import Figure
from saetui.figures.exceptions import FigureError
from saetui.figures.kind import Kind
from saetui.plugins import imported, left_out, loaded, members, own_modules
from store.queries import text_of

if TYPE_CHECKING:
    from store import Reader

GROUP = "saetui.figures"
# What the command line, the command of the interface and the function of notebooks take beside a figure's settings.
RESERVED = frozenset({"name", "store", "path", "out", "force", "overwrite", "further", "help", *OPTIONS})


def figure_kinds() -> dict[str, Kind]:
    """Every kind of figure by its name, in the order in which they are listed.

    What of other packages is broken is left out.
    """
    types: dict[str, tuple[str, type]] = {}

    def kind_in(name: str, module: str) -> Kind:
        kind = _kind_in(name, module)
        for setting in kind.settings:
            first, type_ = types.get(setting.name, (name, setting.kind))
            # The command line has one option for both.
            if type_ is not setting.kind:
                raise FigureError(f"{GROUP}: {setting.name} is of another type in {first}")
        types.update({setting.name: (name, setting.kind) for setting in kind.settings})
        return kind

    found = loaded(GROUP, own_modules(kinds.__name__, kinds.__path__), kind_in, FigureError).values()
    return {kind.name: kind for kind in sorted(found, key=lambda kind: (kind.order, kind.name))}


def figure_kind(name: str) -> Kind:
    """The kind of figure of a name; raises FigureError that lists all, or says what is wrong with it."""
    own = own_modules(kinds.__name__, kinds.__path__)
    module = members(GROUP, own).get(name)
    if module in own:
        return _kind_in(name, module)
    known = figure_kinds()
    if name in known:
        return known[name]
    if reason := left_out(GROUP, name):
        raise FigureError(reason)
    near = get_close_matches(name, known, 1)
    nearest = f"; the nearest is {near[0]}" if near else ""
    raise FigureError(f"no figure {name!r}{nearest}; there are {', '.join(known)}")


def figure(
    store: Reader,
    name: str,
    *,
    sae: str | Iterable[str] | None = None,
    hook: str | None = None,
    letter: str | None = None,
    word: str | None = None,
    tau: float | None = None,
    lead: float | None = None,
    min_cosine: float | None = None,
    context: int | None = None,
    model: str | None = None,
    **settings: Any,
) -> Figure:
    """A figure of a store, e.g. ``figure(store, "absorption_rate").save("rate.svg")``.

    ``sae`` names one SAE or several, ``hook`` a hook point; all SAEs, at the hook point with most of them, if left out.
    ``tau`` (F1), ``lead`` (logits) and ``min_cosine`` are thresholds of absorption; those of the runs if left out.
    ``context`` numbers a context of the error study; the one with the hardest token if left out. ``model``, by name or
    id, is that of the error study; of several the one studied last if left out. ``settings`` are those that a
    figure has for itself.
    Raises FigureError where there is no such figure, SAE, hook point or letter, or the figure takes no such choice.
    """
    saes = (sae,) if isinstance(sae, str) else tuple(sae or ())
    common = (saes, hook or "", letter or "", word or "", tau, lead, min_cosine, context, model or "")
    return draw(store, *chosen(store, Asked(name, *common, further=tuple(settings.items()))))


def chosen(store: Reader, asked: Asked) -> tuple[Kind, Choice]:
    """What is meant by what was asked for; raises FigureError as ``figure`` says."""
    kind = figure_kind(asked.name)
    for option in (*asked.given, *dict(asked.further)):
        if option not in kind.options:
            raise FigureError(f"{kind.name} takes no {option}; it takes {', '.join(kind.options)}")
    for setting in kind.settings:
        value = dict(asked.further).get(setting.name)
        if setting.words and value is not None and value not in setting.words:
            raise FigureError(f"{setting.name}: must be one of {', '.join(setting.words)}, not {value!r}")
    settings = {setting.name: setting.default for setting in kind.settings} | dict(asked.further)
    return kind, replace(make_choice(store, asked), settings=settings)


def draw(store: Reader, kind: Kind, choice: Choice) -> Figure:
    """A figure of a kind for what was chosen."""
    parameters = kind.parameters(choice)
    drawing = kind.draw(store.fetch(kind.query, **parameters).dicts(), choice)
    return Figure(
        kind.name,
        drawing.title,
        tuple(drawing.plots),
        text_of(kind.query),
        parameters,
        note=drawing.note,
        advice=kind.advice,
        columns=drawing.columns,
    )


def _kind_in(name: str, module_name: str) -> Kind:
    kind = getattr(imported(GROUP, module_name, FigureError), "KIND", None)
    if not isinstance(kind, Kind) or kind.name != name:
        raise FigureError(f"{GROUP}: {module_name} has no KIND whose name is {name!r}")
    names = [setting.name for setting in kind.settings]
    if taken := sorted({*names} & RESERVED):
        raise FigureError(f"{GROUP}: {module_name} has a setting {taken[0]!r}, which means something for all figures")
    if wrong := [name for name in names if not name.isidentifier() or iskeyword(name) or names.count(name) > 1]:
        raise FigureError(f"{GROUP}: {module_name} has a setting {wrong[0]!r}, which must be a name, and the only one")
    return kind
