"""Does each part of the error cost the model as much as its size says?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind, n_saes
from saetui.figures.lines import Row
from saetui.figures.plots import Chart, Line, Point, Scale
from saetui.figures.study_parts import ADVICE, SITE, site_of, study_of

_RECOVERED = Scale("loss recovered", "%")
_DIAGONAL = Line("in proportion", (Point(0.0, 0.0), Point(100.0, 100.0)), reference=True, marked=False)


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    title = "What each part of the error costs"
    known = [row for row in rows if row["recovered"] is not None]
    if not known:
        return Drawing(title, [])
    plots = [
        _against(known, "share of the norm", "norm_share"),
        _against(known, "share of the squared norm", "squared_norm_share"),
    ]
    unmeasured = len({row["name"] for row in rows}) - len({row["name"] for row in known})
    left_out = f" Left out, since the loss changes by less than 0.001 nats: {n_saes(unmeasured)}." if unmeasured else ""
    intervals = "Held-out contexts, 95 % intervals over them."
    shares = "Shares of a norm add up to more than 100 %, those of a squared norm only about to it."
    return Drawing(title, plots, f"{site_of(rows)}. {intervals} {shares}{left_out}", columns=2)


def _against(rows: Sequence[Row], label: str, x: str) -> Chart:
    drawn = []
    for part in ("linear", "nonlinear"):
        of_part = sorted((row for row in rows if row["part"] == part and row[x] is not None), key=lambda row: row[x])
        points = tuple(
            Point(row[x], row["recovered"], row["recovered_low"], row["recovered_high"], str(row["name"]))
            for row in of_part
        )
        drawn.append(Line(f"{part} part", points, joined=False))
    return Chart(
        f"loss recovered against {label}",
        Scale(label, "%"),
        _RECOVERED,
        (*drawn, _DIAGONAL),
        key="put back",
        named=True,
    )


KIND = Kind(
    name="cost_against_norm",
    order=120,
    question=__doc__ or "",
    explanation="One part of the error is put back to the reconstruction at every token, and the model runs on: how "
    "much of the loss that the SAE costs does that give back? Each point is one part of one SAE's error. On the "
    "diagonal a part costs as much as its share of the norm says; above it, more.",
    source="2410.14670; downstream effect",
    advice=ADVICE,
    query="figure_cost_against_norm",
    draw=_draw,
    takes=SITE,
    parameters=study_of,
)
