"""Charts that need only what the table ``sae`` has of each SAE: small on the overview, large in figures."""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.lines import ARCHITECTURE, SPARSITY, WIDTH, WIDTH_SCALE, Interval, Row, l0_scale, lines
from saetui.figures.plots import Chart, Scale
from saetui.figures.recipes import Recipes

RATE = Scale("absorption rate", "share", from_zero=True)


def rate_against_l0(
    rows: Sequence[Row],
    y: str = "absorption_rate",
    scale: Scale = RATE,
    interval: Interval | None = None,
    recipes: Recipes | None = None,
) -> Chart:
    """Absorption against L0, one line for each width; rows have the columns of ``sae``, and ``y``."""
    recipes = recipes or Recipes(rows)
    drawn = lines(rows, WIDTH, ARCHITECTURE, x="l0", y=y, interval=interval, recipes=recipes)
    return Chart(f"{scale.label} against L0", l0_scale(drawn), scale, drawn, key="width")


def fvu_against_width(rows: Sequence[Row]) -> Chart:
    """FVU against width, one line for each sparsity; rows have the columns of ``sae``."""
    drawn = lines(rows, SPARSITY, ARCHITECTURE, x="width", y="fvu", recipes=Recipes(rows))
    return Chart("FVU against width", WIDTH_SCALE, Scale("FVU", "share of variance"), drawn, key="sparsity")


def f1_against_width(rows: Sequence[Row]) -> Chart:
    """The mean F1 of the letters' best latents against width; rows have the columns of ``sae``."""
    drawn = lines(rows, SPARSITY, ARCHITECTURE, x="width", y="mean_letter_f1", recipes=Recipes(rows))
    return Chart("mean letter F1 against width", WIDTH_SCALE, Scale("mean letter F1", "share"), drawn, key="sparsity")
