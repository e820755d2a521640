"""A figure of another package: how wide each SAE is. Its query is its own."""

from collections.abc import Sequence
from pathlib import Path

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind, Setting, saes_of
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Scale


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    bars = tuple(Bar(str(row["name"]), (float(row["width"]),)) for row in rows)
    note = "All SAEs." if choice.saes is None else "The SAEs chosen."
    return Drawing("Widths", [BarChart("width of each SAE", Scale("width", "latents"), ("width",), bars)], note)


KIND = Kind(
    name="toy_widths",
    question="How wide is each SAE?",
    explanation="Each bar is one SAE, as long as it has latents.",
    source="none",
    advice="no SAE is here yet; `saetui demo` makes some",
    query=Path(__file__).with_suffix(".sql").read_text(),
    draw=_draw,
    takes=("sae",),
    parameters=lambda choice: {**saes_of(choice), **choice.settings},
    settings=(Setting("least_width", int, 0, "Narrower SAEs are left out."),),
)
