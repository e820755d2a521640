"""Which components of an error are made of sparse features?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Scale
from saetui.figures.study_parts import SITE, ends_of, percent, site_of, study_of

_COMPONENTS = ("activation", "error", "linear", "nonlinear")


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    title = "SAEs trained on components of the error"
    if not rows:
        return Drawing(title, [])
    found = {(row["name"], row["component"]): row for row in rows}
    names = list(dict.fromkeys(row["name"] for row in rows))
    fvus, dead = [], []
    for name in names:
        of_sae = [found.get((name, component), {}) for component in _COMPONENTS]
        intervals = tuple(ends_of(row, "fvu", 100) for row in of_sae)
        fvus.append(Bar(name, tuple(percent(row.get("fvu")) for row in of_sae), intervals=intervals))
        dead.append(Bar(name, tuple(percent(row.get("dead_fraction")) for row in of_sae)))
    plots = [
        BarChart("variance that an SAE of the component leaves", Scale("FVU", "%"), _COMPONENTS, tuple(fvus), "SAE"),
        BarChart("latents that never fire", Scale("dead latents", "%"), _COMPONENTS, tuple(dead), "SAE"),
    ]
    first = rows[0]
    recipe = f"TopK, {first['width']:,} latents, k {first['k']}, {first['n_tokens']:,} held-out tokens"
    note = f"{site_of(rows)}. {recipe}, 95 % intervals over contexts. {_ratios(rows)}"
    return Drawing(title, plots, note.rstrip())


def _ratios(rows: Sequence[Row]) -> str:
    """The FVU of the nonlinear part over that of the linear part, of every SAE that has both."""
    of_sae = {row["name"]: row for row in rows if row["nonlinear_to_linear"] is not None}
    told = []
    for name, row in of_sae.items():
        ends = ends_of(row, "nonlinear_to_linear")
        interval = "" if ends is None else f" ({ends[0]:.2f} to {ends[1]:.2f})"
        told.append(f"{name} {row['nonlinear_to_linear']:.2f}{interval}")
    return f"FVU of the nonlinear part over that of the linear part: {', '.join(told)}." if told else ""


KIND = Kind(
    name="component_saes",
    order=91,
    question=__doc__ or "",
    explanation="An SAE of one recipe is trained on the activation, on the error of another SAE, and on the linear and "
    "the nonlinear part of that error, each brought to the same mean squared norm. A component that is a sum of sparse "
    "features leaves less of its variance unexplained and fewer latents dead. The paper finds the nonlinear part the "
    "harder to learn.",
    source="2410.14670; SAEs trained on components of the error",
    advice="no error study has trained them; `saetui study errors --component-steps 2000` does",
    query="figure_component_saes",
    draw=_draw,
    takes=SITE,
    parameters=study_of,
)
