"""How much variance is left unexplained as SAEs grow wider?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice, Row, at_one_site
from saetui.figures.figure import Chart, Scale
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import ARCHITECTURE, SPARSITY, WIDTH_SCALE, lines


def against_width(rows: Sequence[Row]) -> Chart:
    """FVU against width, one line for each sparsity; rows have the columns of ``sae_summary``."""
    return Chart(
        "FVU against width",
        WIDTH_SCALE,
        Scale("FVU", "share of variance"),
        lines(rows, SPARSITY, ARCHITECTURE, x="width", y="fvu"),
        key="sparsity",
    )


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    chosen, site = at_one_site(rows, choice.hook)
    return Drawing("Variance left unexplained", [against_width(chosen)], note=f"{site}.")


KIND = Kind(
    name="error_scaling",
    question=__doc__ or "",
    explanation="Fraction of variance unexplained: the summed squared error of the reconstruction over the summed "
    "squared distance of the activations from their mean. Each point is one SAE; a line joins SAEs of one sparsity. A "
    "line that levels off above zero shows error that more latents do not remove.",
    source="2410.14670; scaling of the error",
    advice="no SAE has been evaluated yet; `saetui demo` trains three, `saetui run SPEC` any",
    query="figure_error_scaling",
    draw=_draw,
)
