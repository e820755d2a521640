"""What predicts an error's norm without the activation itself?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Scale
from saetui.figures.study_parts import SITE, percent, site_of, study_of

_PREDICTORS = {
    "activation": "norm_r2_error",
    "activation norm": "baseline_r2_activation_norm",
    "L0": "baseline_r2_l0",
    "token": "baseline_r2_token_mean",
}


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    title = "Error norms predicted without the activation"
    if not rows:
        return Drawing(title, [])
    bars = []
    for row in rows:
        found = [row["r2"].get(figure) or {"value": None, "low": None, "high": None} for figure in _PREDICTORS.values()]
        ends = tuple(
            None if one["low"] is None or one["high"] is None else (100 * one["low"], 100 * one["high"])
            for one in found
        )
        bars.append(Bar(str(row["name"]), tuple(percent(one["value"]) for one in found), intervals=ends))
    plot = BarChart(
        "R² of predicting the squared error norm", Scale("R²", "%"), tuple(_PREDICTORS), tuple(bars), label="SAE"
    )
    note = f"{site_of(rows)}. R² on {rows[0]['n_test']:,} held-out tokens, 95 % intervals over contexts."
    return Drawing(title, [plot], note)


KIND = Kind(
    name="norm_baselines",
    order=90,
    question=__doc__ or "",
    explanation="The squared norm of a token's error, predicted by a linear map of the activation, and by less than "
    "that: by the activation's norm, by the number of latents that fire, and by the mean over other occurrences of the "
    "same token. What the activation tells beyond the others is not in a token's identity or length.",
    source="2410.14670; prediction of error norms",
    advice="no error study has measured them; `saetui study errors --norm-baselines` does",
    query="figure_norm_baselines",
    draw=_draw,
    takes=SITE,
    parameters=study_of,
)
