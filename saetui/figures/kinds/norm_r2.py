"""How much of each norm does the activation tell linearly, and how are the norms spread over tokens?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Chart, Line, Point, Scale
from saetui.figures.study_parts import ADVICE, SITE, percent, site_of, study_of

_TARGETS = {
    "activation": "activation",
    "reconstruction": "reconstruction",
    "error": "error",
    "linear part": "linear",
    "nonlinear part": "nonlinear",
}
_SPREAD = {"error": "error", "linear part": "linear", "nonlinear part": "nonlinear"}
_SHARE = Scale("tokens at or below", "%")
# Norms of exactly zero have no place on a logarithmic axis.
_SQUARED = Scale("squared norm", "over its mean", logarithmic=True)


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    title = "Norms of the error and of its parts"
    if not rows:
        return Drawing(title, [])
    spreads = [_spread(rows, name, column) for name, column in _SPREAD.items()]
    note = (
        f"{site_of(rows)}. R² on {rows[0]['n_test']:,} held-out tokens, 95 % intervals over contexts; "
        f"quantiles of all {rows[0]['n_tokens']:,} tokens, 1 % to 99 %."
    )
    return Drawing(title, [_scores(rows), *spreads], note, columns=2)


def _scores(rows: Sequence[Row]) -> BarChart:
    bars = []
    for row in rows:
        found = [row["r2"].get(target) or {"value": None, "low": None, "high": None} for target in _TARGETS.values()]
        ends = tuple(
            None if one["low"] is None or one["high"] is None else (100 * one["low"], 100 * one["high"])
            for one in found
        )
        bars.append(Bar(str(row["name"]), tuple(percent(one["value"]) for one in found), intervals=ends))
    title = "R² of predicting the squared norm"
    return BarChart(title, Scale("R²", "%"), tuple(_TARGETS), tuple(bars), label="SAE")


def _spread(rows: Sequence[Row], name: str, column: str) -> Chart:
    drawn = [Line(str(row["name"]), _quantiles(row, column)) for row in rows]
    drawn.append(Line("activation", _quantiles(rows[0], "activation"), reference=True))
    return Chart(f"squared norm of the {name}", _SHARE, _SQUARED, tuple(drawn), key="SAE")


def _quantiles(row: Row, column: str) -> tuple[Point, ...]:
    pairs = zip(row["shares"], row[column], strict=True)
    return tuple(Point(100 * float(share), value) for share, value in pairs if value)


KIND = Kind(
    name="norm_r2",
    order=80,
    question=__doc__ or "",
    explanation="The squared norm of a token's activation, of its reconstruction, of the error and of the error's two "
    "parts, each predicted by a linear map of the activation. High R² for the error says that how hard a token is can "
    "be read from its activation. The charts show how the squared norms are spread: at 50 % is the median token, at "
    "99 % one of the hardest; a steep line says that few tokens carry most of the error.",
    source="2410.14670; prediction of error norms",
    advice=ADVICE,
    query="figure_norm_r2",
    draw=_draw,
    takes=SITE,
    parameters=study_of,
)
