"""How much of an error do SAEs of earlier hook points explain?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Scale
from saetui.figures.study_parts import SITE, ends_of, percent, site_of, study_of

_PARTS = {"error": "error", "linear part": "linear", "nonlinear part": "nonlinear"}
_TOGETHER = {"all": "all earlier SAEs", "own": "its own reconstruction"}


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    title = "The error predicted from earlier SAEs"
    if not rows:
        return Drawing(title, [])
    found = {(row["name"], row["source"], row["part"]): row for row in rows}
    bars: dict[str, list[Bar]] = {}
    for name, source in dict.fromkeys((row["name"], row["source"]) for row in rows):
        parts = [found.get((name, source, part), {}) for part in _PARTS.values()]
        values = tuple(percent(row.get("r2")) for row in parts)
        label = _TOGETHER.get(source) or _named(parts[0], source)
        intervals = tuple(ends_of(row, "r2", 100) for row in parts)
        bars.setdefault(name, []).append(Bar(label, values, intervals=intervals))
    plots = [
        BarChart(f"R² of predicting the error of {name}", Scale("R²", "%"), tuple(_PARTS), tuple(of_sae), "predictor")
        for name, of_sae in bars.items()
    ]
    tokens = f"{rows[0]['n_train']:,} tokens to fit, {rows[0]['n_test']:,} held out"
    return Drawing(title, plots, f"{site_of(rows)}. {tokens}, 95 % intervals over contexts.")


def _named(row: Row, source: str) -> str:
    """An earlier SAE with its hook point; its id where the store no longer has it."""
    return f"{row['earlier']} ({row['earlier_hook_name']})" if row.get("earlier") else source


KIND = Kind(
    name="earlier_saes",
    order=92,
    question=__doc__ or "",
    explanation="A linear map predicts the error, and its linear and nonlinear part, from the reconstructions that "
    "SAEs give at earlier hook points; below stands the same from the SAE's own reconstruction, which is what an "
    "earlier SAE has to beat. Error that earlier SAEs explain is made of features that they know. The paper finds up "
    "to half of the nonlinear part explained so.",
    source="2410.14670; prediction from SAEs of earlier components",
    advice="no error study has predicted them; `saetui study errors --earlier-saes '*'` does",
    query="figure_earlier_saes",
    draw=_draw,
    takes=SITE,
    parameters=study_of,
)
