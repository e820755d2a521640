"""What is the error of each SAE made of?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Scale
from saetui.figures.study_parts import ADVICE, SITE, percent, site_of, study_of

_PARTS = {
    "absent features": "breakdown_absent",
    "linear": "breakdown_linear",
    "encoder": "breakdown_nonlinear_encoder",
    "rest": "breakdown_nonlinear_rest",
}


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    title = "What the error is made of"
    if not rows:
        return Drawing(title, [])
    known = [row for row in rows if row["breakdown_absent"] is not None]
    tokens = f"{site_of(rows)}, {rows[0]['n_test']:,} held-out tokens."
    if known:
        return Drawing(title, [_by_law(known)], f"{tokens} {_of_law(known, len(rows))}")
    few = "No floor of the FVU is identifiable with fewer than four widths, so there are two parts."
    return Drawing(title, [_in_two(rows)], f"{tokens} {few}")


def _by_law(rows: Sequence[Row]) -> BarChart:
    """Parts that are there at all; a slightly negative one, which is noise, has no length."""
    parts = {name: column for name, column in _PARTS.items() if any(row[column] is not None for row in rows)}
    bars = [(row, [percent(max(0.0, row[c])) if row[c] is not None else None for c in parts.values()]) for row in rows]
    return _stacked(tuple(parts), bars)


def _in_two(rows: Sequence[Row]) -> BarChart:
    bars = []
    for row in rows:
        fvu, nonlinear = row["fvu"], row["fvu_nonlinear"]
        known = fvu is not None and nonlinear is not None
        bars.append((row, [percent(max(0.0, fvu - nonlinear)) if known else None, percent(nonlinear)]))
    return _stacked(("linear", "nonlinear"), bars)


def _stacked(names: tuple[str, ...], bars: Sequence[tuple[Row, Sequence[float | None]]]) -> BarChart:
    return BarChart(
        "parts of the FVU",
        Scale("FVU", "% of variance"),
        names,
        tuple(Bar(str(row["name"]), tuple(values)) for row, values in bars),
        label="SAE",
        stacked=True,
    )


def _of_law(rows: Sequence[Row], n_rows: int) -> str:
    law, words = rows[0], []
    if law["floor_low"] is not None and law["floor_high"] is not None:
        words.append(
            f"Floor {percent(law['floor']):.2f} %, "
            f"95 % interval {percent(law['floor_low']):.2f} to {percent(law['floor_high']):.2f} % over widths."
        )
    clipped = [row["name"] for row in rows if any((row[column] or 0.0) < 0 for column in _PARTS.values())]
    if clipped:
        words.append(f"A part below zero is drawn as none: {', '.join(clipped)}.")
    if law["nonlinear_flat"] is False:
        words.append("The nonlinear part is not level over widths, so its mean stands for none of them.")
    if len(rows) < n_rows:
        words.append(f"One SAE for each width is drawn; {n_rows - len(rows)} more have other sparsities.")
    return " ".join(words)


KIND = Kind(
    name="error_breakdown",
    order=70,
    question=__doc__ or "",
    explanation="Parts that add up to an SAE's fraction of variance unexplained. Absent features: above the floor of "
    "the power law over widths, so wider SAEs learn it. Linear: a linear map of the activation predicts it, yet width "
    "does not remove it. Encoder: nonlinear error that goes away when pursuit chooses the latents. Rest: nonlinear "
    "error that stays. The names are hypotheses: the linear part would be what dense features leave, the rest what the "
    "SAE brings in or what no direction holds.",
    source="2410.14670; breakdown of the error",
    advice=ADVICE,
    query="figure_error_breakdown",
    draw=_draw,
    takes=SITE,
    parameters=study_of,
)
