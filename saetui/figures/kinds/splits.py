"""Into how many main latents do SAEs split a letter, at which L0?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice, at_one_site
from saetui.figures.intervals import RESAMPLES, bootstrap_mean
from saetui.figures.kind import Drawing, Kind, means_note, saes_of
from saetui.figures.lines import ARCHITECTURE, WIDTH, Row, l0_scale, lines
from saetui.figures.plots import Chart, Scale
from saetui.figures.recipes import Recipes


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:
    chosen, site = at_one_site(rows, choice.hook)
    recipes = Recipes(chosen)
    drawn = lines(
        chosen,
        WIDTH,
        ARCHITECTURE,
        x="l0",
        y="mean_main",
        interval=lambda row: bootstrap_mean(row["n_main"]),
        recipes=recipes,
    )
    scale = Scale("main latents", "per letter", from_zero=True)
    chart = Chart("main latents against L0", l0_scale(drawn), scale, drawn, key="width")
    taus = sorted({row["tau"] for row in chosen})
    rule = f"A main latent adds more than {' or '.join(f'{tau:g}' for tau in taus)} to F1." if taus else ""
    told = f"Letter {choice.letter}." if choice.letter is not None else means_note(chosen, RESAMPLES)
    return Drawing("Feature splitting", [chart], " ".join(filter(None, [f"{site}. {rule} {told}", recipes.said])))


KIND = Kind(
    name="splits",
    order=40,
    question=__doc__ or "",
    explanation="The latents of a letter are ranked by an L1 probe, and a probe on the first k of them is fitted for "
    "each k. As long as each further latent raises F1 by more than a threshold it is a main latent: the letter is "
    "split over that many. One means that a single latent stands for the letter. Each point is one SAE.",
    source="2409.14507 §4–5; k-sparse probing",
    advice="no sparse probes have been fitted yet; `saetui study letters`, or :study letters on screen 1",
    query="figure_splits",
    draw=_draw,
    takes=("sae", "hook", "letter", "tau"),
    parameters=lambda choice: {**saes_of(choice), "letter": choice.letter, "tau": choice.tau},
)
