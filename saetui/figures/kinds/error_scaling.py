"""How much variance is left unexplained as SAEs grow wider, and how much of it not even linearly?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from saetui.figures.charts import fvu_against_width
from saetui.figures.choice import Choice, at_one_site
from saetui.figures.kind import Drawing, Kind, n_saes
from saetui.figures.lines import ARCHITECTURE, SPARSITY, WIDTH_SCALE, Row, lines
from saetui.figures.plots import Chart, Line, Point, Scale
from saetui.figures.recipes import Recipes

_TITLE = "Variance left unexplained"
_MIXED = "No law over widths is drawn, since the SAEs that the study compares are of different recipes."
# Points of the fitted curve: enough to look smooth.
_CURVE_POINTS = 48


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    chosen, site = at_one_site(rows, choice.hook)
    studied = [row for row in chosen if row["study_fvu"] is not None]
    if not studied:
        told = " ".join(filter(None, [f"{site}.", Recipes(chosen).said]))
        return Drawing(_TITLE, [fvu_against_width(chosen)], note=told)
    is_mixed = Recipes(studied[0]["family"] or studied).are_several
    plots = [
        _against_width(studied, "FVU", "study_fvu", () if is_mixed else _law(studied)),
        _against_width(studied, "nonlinear FVU", "fvu_nonlinear", ()),
    ]
    recipes = Recipes(studied)
    others = len(chosen) - len(studied)
    left_out = f" Not in the study: {n_saes(others)}." if others else ""
    tokens = f"{studied[0]['n_test']:,} held-out tokens, 95 % intervals over contexts"
    law = _MIXED if is_mixed else _caption(studied)
    told = " ".join(filter(None, [f"{site}, {tokens}. {law}{left_out}", recipes.said]))
    return Drawing(_TITLE, plots, told, columns=2)


def _against_width(rows: Sequence[Row], title: str, y: str, fitted: tuple[Line, ...]) -> Chart:
    drawn = lines(rows, SPARSITY, ARCHITECTURE, x="width", y=y, interval=_ends(y), recipes=Recipes(rows))
    scale = Scale(title, "share", from_zero=True)
    return Chart(f"{title} against width", WIDTH_SCALE, scale, (*drawn, *fitted), key="sparsity")


def _ends(y: str) -> Callable[[Row], tuple[float, float] | None]:
    def ends(row: Row) -> tuple[float, float] | None:
        low, high = row[f"{y}_low"], row[f"{y}_high"]
        return None if low is None or high is None else (low, high)

    return ends


def _law(rows: Sequence[Row]) -> tuple[Line, ...]:
    """The fitted curve and its floor, over the widths there are."""
    floor, scale, exponent = (rows[0][name] for name in ("floor", "scale", "exponent"))
    if floor is None:
        return ()
    first, last = (math.log(end(row["width"] for row in rows)) for end in (min, max))
    widths = [math.exp(first + (last - first) * place / (_CURVE_POINTS - 1)) for place in range(_CURVE_POINTS)]
    curve = tuple(Point(width, floor + scale * width**-exponent) for width in widths)
    level = (Point(widths[0], floor), Point(widths[-1], floor))
    return Line("fit", curve, reference=True, marked=False), Line("floor", level, reference=True, marked=False)


def _caption(rows: Sequence[Row]) -> str:
    law = rows[0]
    if law["floor"] is None:
        return (
            "A floor of the FVU is not identifiable: a power law over widths takes four widths or more, "
            f"and there are {len({row['width'] for row in rows})}."
        )
    fit = f"Fit over widths: {law['floor']:.3g} + {law['scale']:.3g} · width^−{law['exponent']:.3g}."
    spreads = [
        f"{law[low]:.3g} to {law[high]:.3g} {what}"
        for low, high, what in (
            ("floor_low", "floor_high", "when widths are left out in turn"),
            ("floor_context_low", "floor_context_high", "over contexts"),
        )
        if law[low] is not None and law[high] is not None
    ]
    flat = (
        ""
        if law["nonlinear_flat"] is None
        else " The nonlinear part is {} over widths.".format("level" if law["nonlinear_flat"] else "not level")
    )
    known = f"The floor's 95 % intervals: {', '.join(spreads)}." if spreads else "No interval of the floor is known."
    return f"{fit} {known}{flat}"


KIND = Kind(
    name="error_scaling",
    order=60,
    question=__doc__ or "",
    explanation="Fraction of variance unexplained: the summed squared error of the reconstruction over the summed "
    "squared distance of the activations from their mean; the nonlinear FVU is what is left once a linear map of the "
    "activation has taken out of the error what it can. Each point is one SAE; a line joins SAEs of one sparsity and "
    "one recipe. A line that levels off above zero shows error that more latents do not remove. Of the floor, what is "
    "linear may be features that are dense, what is not may be brought in by the SAE: these are hypotheses.",
    source="2410.14670; scaling of the error",
    advice="no SAE has been evaluated yet; `saetui demo` trains six, `saetui run SPEC` any",
    query="figure_error_scaling",
    draw=_draw,
)
