"""What is the error of each SAE made of?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Scale
from saetui.figures.recipes import Recipes
from saetui.figures.study_parts import ADVICE, SITE, ends_of, percent, site_of, study_of

# From what width removes to what nothing does.
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
    if not known:
        few = "No floor of the FVU is identifiable with fewer than four widths, so there are two parts."
        return Drawing(title, [_in_two(rows)], f"{tokens} {few}")
    negative = [(row, name) for row in known for name, column in _PARTS.items() if _is_negative(row, column)]
    if negative:
        return Drawing(title, [_in_two(rows)], f"{tokens} {_why_in_two(*negative[0])}")
    return Drawing(title, [_by_law(known)], f"{tokens} {_of_law(known, len(rows))}")


def _is_negative(row: Row, column: str) -> bool:
    """Whether a part is below zero by more than noise, or by nobody knows how much noise."""
    value, ends = row[column], ends_of(row, column)
    return value is not None and value < 0 and (ends is None or ends[1] < 0)


def _by_law(rows: Sequence[Row]) -> BarChart:
    """Parts that are there at all, which add up to the SAE's FVU."""
    names = [name for name, column in _PARTS.items() if any(row[column] is not None for row in rows)]
    bars = [(row, [percent(part) for part in _not_negative(row, names)]) for row in rows]
    return _stacked(tuple(names), bars)


def _not_negative(row: Row, names: Sequence[str]) -> list[float]:
    """The parts, none of them below zero, with the same sum: what one lacks is taken out of its neighbours."""
    # How high the stack is after each part, from the bottom.
    heights = list(accumulate(row[_PARTS[name]] or 0.0 for name in reversed(names)))
    risen = list(accumulate((min(max(height, 0.0), heights[-1]) for height in heights), max, initial=0.0))
    return [above - below for below, above in pairwise(risen)][::-1]


def _in_two(rows: Sequence[Row]) -> BarChart:
    bars = []
    for row in rows:
        fvu, nonlinear = row["fvu"], row["fvu_nonlinear"]
        if fvu is None or nonlinear is None:
            bars.append((row, [None, percent(nonlinear)]))
            continue
        # On held-out tokens the linear map can take away less than nothing.
        bars.append((row, [percent(max(0.0, fvu - nonlinear)), percent(min(fvu, nonlinear))]))
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


def _why_in_two(row: Row, part: str) -> str:
    column = _PARTS[part]
    ends = ends_of(row, column, 100.0)
    interval = "" if ends is None else f", 95 % interval {ends[0]:.2f} to {ends[1]:.2f} % over contexts"
    return (
        "The breakdown by the law over widths cannot be drawn: its parts are differences, and that of "
        f"{row['name']} called {part} is {percent(row[column]):.2f} % of the variance{interval}, so the others would "
        f"add up to more than the FVU. The floor is {percent(row['floor']):.2f} %, the mean nonlinear part over widths "
        f"{percent(row['nonlinear_mean']):.2f} %. Each bar is the SAE's own FVU in two parts instead."
    )


def _of_law(rows: Sequence[Row], n_rows: int) -> str:
    law, words = rows[0], []
    mixed = Recipes(law["family"] or []).mixed
    if mixed:
        words.append(f"The law over widths is of {mixed}.")
    if law["floor_low"] is not None and law["floor_high"] is not None:
        words.append(
            f"Floor {percent(law['floor']):.2f} %, "
            f"95 % interval {percent(law['floor_low']):.2f} to {percent(law['floor_high']):.2f} % over widths."
        )
    negative = [row["name"] for row in rows if any((row[column] or 0.0) < 0 for column in _PARTS.values())]
    if negative:
        words.append(
            "A part below zero, by no more than its interval, is drawn as none and taken out of its neighbour: "
            f"{', '.join(negative)}."
        )
    if law["nonlinear_flat"] is False:
        words.append("The nonlinear part is not level over widths, so its mean stands for none of them.")
    others = n_rows - len(rows)
    if others:
        sparsity = "has another sparsity" if others == 1 else "have other sparsities"
        words.append(f"One SAE for each width is drawn; {others} more {sparsity}, or another recipe.")
    return " ".join(words)


KIND = Kind(
    name="error_breakdown",
    order=70,
    question=__doc__ or "",
    explanation="Parts that add up to an SAE's fraction of variance unexplained. Absent features: above the floor of "
    "the power law over widths, so wider SAEs learn it. Linear: a linear map of the activation predicts it, yet width "
    "does not remove it. Encoder: nonlinear error that goes away when pursuit chooses the latents. Rest: nonlinear "
    "error that stays. The names are hypotheses: the linear part would be what dense features leave, the rest what the "
    "SAE brings in or what no direction holds. Where the law does not hold, so that a part would be below zero, each "
    "SAE's own linear and nonlinear part are drawn.",
    source="2410.14670; breakdown of the error",
    advice=ADVICE,
    query="figure_error_breakdown",
    draw=_draw,
    takes=SITE,
    parameters=study_of,
)
