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
    """The model and hook point of the study that rows come from."""
    return f"{rows[0]['model']}, {rows[0]['hook_name']}"


def percent(value: float | None) -> float | None:
    """A share in percent."""
    return None if value is None else 100 * value
