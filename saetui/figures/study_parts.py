"""What figures of the error study share: what they are asked with, and the words of their captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saetui.figures.choice import Choice
from saetui.figures.kind import saes_of
from saetui.figures.lines import Row

# The parts of a choice that say which study.
SITE = ("sae", "hook", "model")
ADVICE = "no errors have been studied yet; `saetui study errors` measures what SAEs of one hook point leave out"


def study_of(choice: Choice) -> dict[str, Any]:
    """The parameters of a query about the last error study."""
    return {**saes_of(choice), "hook": choice.hook, "model": choice.model}


def site_of(rows: Sequence[Row]) -> str:
    """The model and hook point of the study that rows come from; with its time, where later ones lack such rows."""
    site, n_later = f"{rows[0]['model']}, {rows[0]['hook_name']}", rows[0].get("n_later")
    if not n_later:
        return site
    later = "a later one has" if n_later == 1 else f"{n_later} later ones have"
    return f"{site}, error study of {rows[0]['studied']:%Y-%m-%d %H:%M} ({later} not measured this)"


def ends_of(row: Row, name: str, factor: float = 1.0) -> tuple[float, float] | None:
    """Both ends of a figure's interval, times ``factor``; None where it has none."""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    return None if low is None or high is None else (factor * low, factor * high)


def percent(value: float | None) -> float | None:
    """A share in percent."""
    return None if value is None else 100 * value
