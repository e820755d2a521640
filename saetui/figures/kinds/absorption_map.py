"""Which letters are absorbed in which SAEs?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind, saes_of, thresholds_of
from saetui.figures.kinds.absorption_rate import thresholds
from saetui.figures.lines import Row
from saetui.figures.plots import HeatMap, Scale

_METRICS = {"absorption rate": "letter_rates", "absorption fraction": "letter_fractions"}


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    chosen = [row for row in rows if choice.hook in (None, row["hook_name"])]
    letters = sorted({letter for row in chosen for letter in row["letters"]})
    plots = [_map(chosen, letters, metric, column) for metric, column in _METRICS.items()]
    note = f"Percent of words, for letters whose probe is usable. {thresholds(chosen)}" if chosen else ""
    return Drawing("Absorption of each letter", plots, note)


def _map(rows: Sequence[Row], letters: Sequence[str], metric: str, column: str) -> HeatMap:
    by_sae = [dict(zip(row["letters"], row[column], strict=True)) for row in rows]
    values = tuple(tuple(known.get(letter) for letter in letters) for known in by_sae)
    highest = max((value for row in values for value in row if value is not None), default=0.0)
    return HeatMap(
        f"{metric} of each letter, %",
        Scale(metric, "%"),
        tuple(str(row["name"]) for row in rows),
        tuple(letters),
        values,
        high=highest or 1.0,
        row_label="SAE",
        column_label="letter",
    )


KIND = Kind(
    name="absorption_map",
    order=20,
    question=__doc__ or "",
    explanation="A row for each SAE, a column for each letter. The absorption rate: of the words that the letter's "
    "probe gets right, the share that another latent has absorbed. The absorption fraction: how much of the letter's "
    "direction other latents carry in place of the main ones, by projection. The colours of each map go from none to "
    "its own highest value; a dash is a letter whose probe is not usable.",
    source="2409.14507; absorption rate · 2503.09532; absorption fraction",
    advice="absorption has not been measured yet; `saetui study letters`, or :study letters on screen 1",
    query="figure_absorption",
    draw=_draw,
    takes=("sae", "hook", "tau", "lead", "min_cosine"),
    parameters=lambda choice: {**saes_of(choice), **thresholds_of(choice), "letter": None},
)
