"""How well does each SAE's latent for a letter tell the letters, from layer to layer, beside the probe?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saetui.figures.choice import Choice, sites_of
from saetui.figures.intervals import RESAMPLES, bootstrap_mean
from saetui.figures.kind import Drawing, Kind, means_note, saes_of
from saetui.figures.lines import ARCHITECTURE, HOOK_KIND, LAYER_SCALE, MODEL, SPARSITY, WIDTH, Row, Trait, lines
from saetui.figures.plots import Chart, Line, Scale
from saetui.figures.recipes import Recipes

_SCORES = {"f1": "F1", "precision": "precision", "recall": "recall"}
_PROBE = Trait("probe", lambda _: 0, lambda _: "linear probe")
_WORDS = "Latents are judged on all words, probes on the words that they were not trained on."


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    recipes = Recipes(rows)
    placed = [row for row in rows if row["layer"] is not None and choice.hook in (None, row["hook_name"])]
    if choice.letter is not None:
        note = f"Letter {choice.letter}: one latent in each SAE, so no intervals."
    else:
        note = means_note(placed, RESAMPLES)
    if placed:
        note = " ".join(filter(None, [f"{sites_of(placed)}.", note, _WORDS, _best(placed), recipes.said]))
    plots = [
        Chart(
            f"{title} against layer",
            LAYER_SCALE,
            Scale(title, "share", from_zero=True),
            (*_latents(placed, score, recipes), *_probes(placed, score)),
            key="width",
        )
        for score, title in _SCORES.items()
    ]
    return Drawing("The latent of a letter, layer by layer", plots, note, columns=len(plots))


def _best(rows: Sequence[Row]) -> str:
    """What choosing latents by their F1 would give: too like the lines to be drawn beside them."""
    chosen, best = (sum(row[name] for row in rows) / len(rows) for name in ("mean_f1", "mean_best_f1"))
    if f"{best:.2f}" == f"{chosen:.2f}":
        return f"The latents with the highest F1 have the same mean F1, {best:.2f}, over these SAEs."
    return f"The latents with the highest F1 would have {best:.2f} instead of {chosen:.2f}, over these SAEs."


def _latents(rows: Sequence[Row], score: str, recipes: Recipes) -> tuple[Line, ...]:
    traits = (WIDTH, SPARSITY, ARCHITECTURE, HOOK_KIND, MODEL)

    def interval(row: Row) -> tuple[float, float] | None:
        return bootstrap_mean(row[score])

    return lines(rows, *traits, x="layer", y=f"mean_{score}", interval=interval, recipes=recipes)


def _probes(rows: Sequence[Row], score: str) -> tuple[Line, ...]:
    """The probes themselves, once for each site that has any."""
    sites = {(row["hook_name"], row["probe_id"]): {**row, "name": row["hook_name"]} for row in rows}
    drawn = lines(
        list(sites.values()),
        _PROBE,
        HOOK_KIND,
        MODEL,
        x="layer",
        y=f"mean_probe_{score}",
        interval=lambda row: bootstrap_mean(row[f"probe_{score}"]),
        recipes=None,
    )
    return tuple(replace(line, reference=True) for line in drawn)


KIND = Kind(
    name="letter_scores",
    order=50,
    question=__doc__ or "",
    explanation="For every usable letter the latent whose encoder is most like the letter's probe, by their cosine, is "
    "taken as a classifier: it says yes to a word on which it fires. Precision is the share of its words that have the "
    "letter, recall the share of the letter's words on which it fires. The probe is what the model's activations "
    "allow; where recall falls below it and precision does not, latents stay silent on words of their letter.",
    source="2409.14507; latents as classifiers",
    advice="no letters have been studied yet; `saetui study letters`, or :study letters on screen 1",
    query="figure_letter_scores",
    draw=_draw,
    takes=("sae", "hook", "letter"),
    parameters=lambda choice: {**saes_of(choice), "letter": choice.letter},
)
