"""All figures by name, and how one is made."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from saetui.figures import (
    absorbed_errors,
    absorption_map,
    absorption_rate,
    cost_against_norm,
    error_breakdown,
    error_context,
    error_scaling,
    evidence,
    letter_scores,
    norm_baselines,
    norm_r2,
    splits,
    width_norms,
)
from saetui.figures.choice import Choice, make_choice
from saetui.figures.description import Figure
from saetui.figures.exceptions import FigureError
from saetui.figures.kind import Kind
from store.queries import named_query

if TYPE_CHECKING:
    from store import Reader

FIGURES = {
    kind.name: kind
    for kind in (
        absorption_rate.KIND,
        absorption_map.KIND,
        evidence.KIND,
        splits.KIND,
        letter_scores.KIND,
        error_scaling.KIND,
        error_breakdown.KIND,
        norm_r2.KIND,
        norm_baselines.KIND,
        width_norms.KIND,
        error_context.KIND,
        cost_against_norm.KIND,
        absorbed_errors.KIND,
    )
}


def kind_of(name: str) -> Kind:
    """The kind of a name; raises FigureError that lists all."""
    if name not in FIGURES:
        near = get_close_matches(name, FIGURES, 1)
        nearest = f"; the nearest is {near[0]}" if near else ""
        raise FigureError(f"no figure {name!r}{nearest}; there are {', '.join(FIGURES)}")
    return FIGURES[name]


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
) -> Figure:
    """A figure of a store, e.g. ``figure(store, "absorption_rate").save("rate.svg")``.

    ``sae`` names one SAE or several, ``hook`` a hook point; all SAEs, at the hook point with most of them, if left out.
    ``tau`` (F1), ``lead`` (logits) and ``min_cosine`` are thresholds of absorption; those of the runs if left out.
    ``context`` numbers a context of the error study; the one with the hardest token if left out. ``model``, by name or
    id, is that of the error study; of several the one studied last if left out.
    Raises FigureError where there is no such figure, SAE, hook point or letter, or the figure takes no such choice.
    """
    chosen = {"sae": sae, "hook": hook, "letter": letter, "word": word, "context": context, "model": model}
    return draw(store, *asked(store, name, **chosen, tau=tau, lead=lead, min_cosine=min_cosine))


def asked(store: Reader, name: str, **chosen: Any) -> tuple[Kind, Choice]:
    """What is meant by a figure's name and what was chosen of it; raises FigureError as ``figure`` says."""
    kind = kind_of(name)
    for key, value in chosen.items():
        if value is not None and key not in kind.takes:
            raise FigureError(f"{name} takes no {key}; it takes {', '.join(kind.takes)}")
    return kind, make_choice(store, **chosen)


def draw(store: Reader, kind: Kind, choice: Choice) -> Figure:
    """A figure of a kind for what was chosen."""
    parameters = kind.parameters(choice)
    drawing = kind.draw(store.fetch(kind.query, **parameters).dicts(), choice)
    return Figure(
        kind.name,
        drawing.title,
        tuple(drawing.plots),
        named_query(kind.query),
        parameters,
        note=drawing.note,
        advice=kind.advice,
        columns=drawing.columns,
    )
