"""Where along a context is the error large, for SAEs of every width?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row
from saetui.figures.plots import Chart, Line, Point, Scale
from saetui.figures.study_parts import ADVICE, SITE, site_of, study_of

# Of a longer context, the tokens around the hardest one.
_MOST_TOKENS = 128
_WORDS_BEFORE = 6
_POSITION = Scale("position", whole=True)


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    title = "Error along a context"
    if not rows:
        return Drawing(title, [])
    hardest = next(index for index, row in enumerate(rows) if row["is_hardest"])
    start = max(0, min(hardest - _MOST_TOKENS // 2, len(rows) - _MOST_TOKENS))
    shown = rows[start : start + _MOST_TOKENS]
    plots = [
        _along(shown, "error", "error_norm"),
        _along(shown, "nonlinear part of the error", "nonlinear_norm"),
    ]
    return Drawing(title, plots, f"{site_of(rows)}. One line for each SAE. {_words(rows, hardest, choice)}")


def _along(rows: Sequence[Row], what: str, column: str) -> Chart:
    drawn = tuple(
        Line(
            str(name),
            tuple(Point(float(row["position"]), row[column][place], label=row["surface"] or "") for row in rows),
            marked=len(rows) == 1,
        )
        for place, name in enumerate(rows[0]["saes"])
    )
    title = f"norm of the {what}, context {rows[0]['context']}"
    return Chart(title, _POSITION, Scale("norm", "model units", from_zero=True), drawn, key="SAE")


def _words(rows: Sequence[Row], hardest: int, choice: Choice) -> str:
    row = rows[hardest]
    before = "".join(_on_a_line(r["surface"]) for r in rows[max(0, hardest - _WORDS_BEFORE) : hardest])
    after = f" after “…{before}”" if before else ""
    which = f"Hardest “{choice.word}”" if choice.word is not None else "Hardest token"
    held_out = "held out" if row["held_out"] else "the linear map was fitted on this context"
    return f"{which}: position {row['position']}, “{_on_a_line(row['surface'])}”{after} ({held_out})."


def _on_a_line(surface: str | None) -> str:
    return "?" if surface is None else surface.replace("\n", "↵")


def _parameters(choice: Choice) -> dict[str, Any]:
    return {**study_of(choice), "context": choice.context, "token": choice.word}


KIND = Kind(
    name="error_context",
    order=110,
    question=__doc__ or "",
    explanation="Token by token, how far each SAE's reconstruction is from the activation, and how much of that is not "
    "a linear function of the activation. Where all lines peak, more latents have not helped; where only the narrow "
    "SAEs' do, they have. Of a long context the tokens around the hardest one are shown.",
    source="2410.14670; per-token scaling",
    advice=ADVICE,
    query="figure_error_context",
    draw=_draw,
    takes=(*SITE, "word", "context"),
    parameters=_parameters,
)
