"""Which letters are absorbed in which SAEs?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice, sites_of
from saetui.figures.kind import Drawing, Kind, left_out_letters, saes_of, thresholds_of
from saetui.figures.kinds.absorption_rate import thresholds
from saetui.figures.lines import Row
from saetui.figures.plots import HeatMap, Scale

_METRICS = {"absorption rate": "all_rates", "absorption fraction": "all_fractions"}


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    chosen = [row for row in rows if choice.hook in (None, row["hook_name"])]
    letters = sorted({letter for row in chosen for letter in row["all_letters"]})
    plots = [_map(chosen, letters, metric, column) for metric, column in _METRICS.items()]
    left_out = left_out_letters(chosen)
    pale = f" Pale letters are left out of means, with their words: {left_out}." if left_out else ""
    note = f"{sites_of(chosen)}. Percent of words. {thresholds(chosen)}{pale}" if chosen else ""
    return Drawing("Absorption of each letter", plots, note)


def _map(rows: Sequence[Row], letters: Sequence[str], metric: str, column: str) -> HeatMap:
    by_sae = [dict(zip(row["all_letters"], row[column], strict=True)) for row in rows]
    values = tuple(tuple(known.get(letter) for letter in letters) for known in by_sae)
    pale = {(i, j) for i, row in enumerate(rows) for j, letter in enumerate(letters) if letter not in row["letters"]}
    counted = [value for i, row in enumerate(values) for j, value in enumerate(row) if (i, j) not in pale]
    are_several = len({(row["model"], row["hook_name"]) for row in rows}) > 1
    highest = max((value for value in counted if value is not None), default=0.0)
    return HeatMap(
        f"{metric} of each letter, %",
        Scale(metric, "%"),
        tuple(_name(row, are_several=are_several) for row in rows),
        tuple(letters),
        values,
        high=highest or 1.0,
        row_label="SAE",
        column_label="letter",
        pale=frozenset(pale),
    )


def _name(row: Row, *, are_several: bool) -> str:
    """An SAE, with its hook point in short where the rows are of several."""
    hook = str(row["hook_name"]).removeprefix("blocks.").replace("hook_", "")
    return f"{row['name']} · {hook}" if are_several else str(row["name"])


KIND = Kind(
    name="absorption_map",
    order=20,
    question=__doc__ or "",
    explanation="A row for each SAE, a column for each letter. The absorption rate: of the words that the letter's "
    "probe gets right, the share that another latent has absorbed. The absorption fraction: how much of the letter's "
    "direction other latents carry in place of the main ones, by projection. The colours of each map go from none to "
    "its own highest value. Pale numbers are of letters that are not usable: they have too few words, or a probe with "
    "a held-out F1 of 0.6 or less, and are left out of means. A dash is a letter without judged words.",
    source="2409.14507; absorption rate · 2503.09532; absorption fraction",
    advice="absorption has not been measured yet; `saetui study letters`, or :study letters on screen 1",
    query="figure_absorption",
    draw=_draw,
    takes=("sae", "hook", "tau", "lead", "min_cosine"),
    parameters=lambda choice: {**saes_of(choice), **thresholds_of(choice), "letter": None},
)
