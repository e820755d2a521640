"""How much variance is left unexplained as SAEs grow wider?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.charts import fvu_against_width
from saetui.figures.choice import Choice, at_one_site
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    chosen, site = at_one_site(rows, choice.hook)
    return Drawing("Variance left unexplained", [fvu_against_width(chosen)], note=f"{site}.")


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
