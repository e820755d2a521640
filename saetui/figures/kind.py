"""A kind of figure: the question it answers, the query that answers it, and how its rows are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saetui.figures.choice import Choice
from saetui.figures.lines import Row
from saetui.figures.plots import Plot


@dataclass(frozen=True)
class Drawing:
    """What a figure makes of its rows; ``columns`` plots stand side by side where there is room."""

    title: str
    plots: Sequence[Plot]
    note: str = ""
    columns: int = 1


def saes_of(choice: Choice) -> dict[str, Any]:
    """The parameter of a query that is about several SAEs."""
    return {"saes": None if choice.saes is None else list(choice.saes)}


def thresholds_of(choice: Choice) -> dict[str, Any]:
    """The parameters of a query that takes verdicts on absorption."""
    return {"tau": choice.tau, "lead": choice.lead, "min_cosine": choice.min_cosine}


def means_note(rows: Sequence[Row], resamples: int) -> str:
    """What a caption says of means over letters: their intervals, and which letters are left out, with their words."""
    left_out = left_out_letters(rows)
    return (
        f"Means over usable letters, 95 % bootstrap intervals over letters ({resamples:,} resamples)."
        f"{f' Left out, with their words: {left_out}.' if left_out else ''}"
    )


def n_saes(count: int) -> str:
    """A number of SAEs in words."""
    return f"{count:,} SAE{'' if count == 1 else 's'}"


def left_out_letters(rows: Sequence[Row]) -> str:
    """The letters that means leave out, each with its number of words: ``j 3, z 4``; empty where there are none."""
    return ", ".join(sorted({letter for row in rows for letter in (row["left_out"] or "").split(", ") if letter}))


@dataclass(frozen=True)
class Setting:
    """A choice that only one figure has: an option of the command line, and an argument after ``:``.

    ``kind`` is int, float, str or bool; ``words`` are those that a text is one of.
    """

    name: str
    kind: type
    default: Any
    help: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """``explanation`` is how to read it, ``advice`` what to do where there is nothing to draw.

    ``query`` is the name of a query of the store, or SQL; ``parameters`` gives its parameters. ``takes`` names the
    parts of a choice that mean something to it; ``settings`` are its own. Figures are listed by ``order`` and name.
    """

    name: str
    question: str
    explanation: str
    source: str
    advice: str
    query: str
    draw: Callable[[Sequence[Row], Choice], Drawing]
    takes: tuple[str, ...] = ("sae", "hook")
    parameters: Callable[[Choice], Mapping[str, Any]] = saes_of
    order: int = 1000
    settings: tuple[Setting, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """The names of all that it takes."""
        return (*self.takes, *(setting.name for setting in self.settings))
