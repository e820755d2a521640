"""How does absorption change with sparsity, width and layer, by both metrics?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.charts import RATE, rate_against_l0
from saetui.figures.choice import Choice, at_one_site
from saetui.figures.intervals import RESAMPLES, bootstrap_mean, wilson
from saetui.figures.kind import Drawing, Kind, means_note, n_saes, saes_of, thresholds_of
from saetui.figures.lines import (
    ARCHITECTURE,
    HOOK_KIND,
    LAYER_SCALE,
    MODEL,
    SPARSITY,
    WIDTH,
    WIDTH_SCALE,
    Interval,
    Row,
    lines,
)
from saetui.figures.plots import Chart, Scale
from saetui.figures.recipes import Recipes

FRACTION = Scale("absorption fraction", "mean", from_zero=True)


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    chosen, site = at_one_site(rows, choice.hook)
    recipes = Recipes(rows)
    layers = {row["layer"] for row in rows if row["layer"] is not None}
    metrics: tuple[tuple[str, Scale, Interval | None], ...] = (
        ("rate", RATE, _rate_interval(choice)),
        ("mean_fraction", FRACTION, _fraction_interval(choice)),
    )
    plots = []
    for y, scale, interval in metrics:
        by_width = lines(chosen, SPARSITY, ARCHITECTURE, x="width", y=y, interval=interval, recipes=recipes)
        plots.append(rate_against_l0(chosen, y, scale, interval, recipes))
        plots.append(Chart(f"{scale.label} against width", WIDTH_SCALE, scale, by_width, key="sparsity"))
        if len(layers) > 1:
            placed = [row for row in rows if row["layer"] in layers]
            traits = (WIDTH, SPARSITY, ARCHITECTURE, HOOK_KIND, MODEL)
            by_layer = lines(placed, *traits, x="layer", y=y, interval=interval, recipes=recipes)
            plots.append(Chart(f"{scale.label} against layer", LAYER_SCALE, scale, by_layer, key="width"))
    note = " ".join(filter(None, [f"{site}. {_means(rows, choice)}", recipes.said]))
    return Drawing("Absorption", plots, note, columns=len(plots) // 2)


def _means(rows: Sequence[Row], choice: Choice) -> str:
    if choice.letter is not None:
        intervals = f"Letter {choice.letter}; rates with Wilson's 95 % intervals over its judged words."
    else:
        intervals = means_note(rows, RESAMPLES)
    unable = sum(row["rate"] is None for row in rows)
    also = f" Without a rate, since the model cannot name first letters: {n_saes(unable)}." if unable else ""
    return f"{thresholds(rows)} {intervals}{also}"


def thresholds(rows: Sequence[Row]) -> str:
    """The thresholds that rows were judged by, in a sentence."""
    used = {(row["tau"], row["lead"], row["min_cosine"]) for row in rows}
    if len(used) != 1:
        return "Each SAE at the thresholds of its own run, and these differ."
    tau, lead, cosine = used.pop()
    return f"Rates at τ {tau:g}, lead {lead:g} logits, cosine {cosine:g}."


def _rate_interval(choice: Choice) -> Interval:
    if choice.letter is None:
        return lambda row: bootstrap_mean([rate for rate in row["letter_rates"] if rate is not None])
    return lambda row: wilson_of_letter(row, 0)


def _fraction_interval(choice: Choice) -> Interval | None:
    return None if choice.letter is not None else lambda row: bootstrap_mean(row["letter_fractions"])


def wilson_of_letter(row: Row, index: int) -> tuple[float, float] | None:
    """Wilson's interval of one letter's rate; where only some candidates were judged, for as many fewer words."""
    rate, candidates = row["letter_rates"][index], row["n_candidates"][index]
    if rate is None:
        return None
    portion = row["n_sampled"][index] / candidates if candidates else 1.0
    words = row["n_probe"][index] * portion
    return wilson(rate * words, words)


KIND = Kind(
    name="absorption_rate",
    order=10,
    question=__doc__ or "",
    explanation="The absorption rate: of the words that the letter's probe gets right, the share on which all main "
    "latents stay silent and another latent, aligned with the probe, carries the answer: removing it lowers the right "
    "letter's logit by more than any other latent does, by a lead of one logit. The absorption fraction, from "
    "projections alone: how much of the letter's direction other latents carry in place of the main ones. Each point "
    "is one SAE, the mean over its usable letters. Wider and sparser SAEs absorb more in the paper. SAEs without a k "
    "are grouped by the power of two that is nearest to their L0.",
    source="2409.14507; absorption rate · 2503.09532; absorption fraction",
    advice="absorption has not been measured yet; `saetui study letters`, or :study letters on screen 1",
    query="figure_absorption",
    draw=_draw,
    takes=("sae", "hook", "letter", "tau", "lead", "min_cosine"),
    parameters=lambda choice: {**saes_of(choice), **thresholds_of(choice), "letter": choice.letter},
)
