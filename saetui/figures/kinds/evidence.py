"""What does removing each latent that fires on one word do to the model's answer?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind, saes_of
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Scale

_MOST = 20
_EXACT = "exact"


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    known = [row for row in rows if row["effect"] is not None or row["exact_effect"] is not None]
    # That removing a silent latent changes nothing is not evidence.
    if not any(row["activation"] for row in known):
        return Drawing("Evidence", [])
    first = known[0]
    series = {_attributed(first): "effect", _EXACT: "exact_effect"}
    # Where effects were measured exactly from the start, the ablations repeat them.
    columns = {name: column for name, column in series.items() if any(row[column] is not None for row in known)}
    if first["attribution"] == _EXACT:
        columns = {_EXACT: "effect"}
    chart = BarChart(
        f"“{first['surface']}” in {first['sae']}",
        Scale(f"effect of removing the latent on “{first['letter'].upper()}”", "logits"),
        tuple(columns),
        tuple(Bar(str(row["latent"]), tuple(row[c] for c in columns.values()), _role(row)) for row in known[:_MOST]),
        label="latent",
    )
    return Drawing(f"Evidence for “{first['surface']}”", [chart], _note(first, len(known)))


def _attributed(row: Row) -> str:
    return _EXACT if row["attribution"] == _EXACT else "integrated gradients"


def _role(row: Row) -> str:
    if row["is_main"]:
        return "main, silent" if row["activation"] == 0 else "main"
    return f"cos {row['cosine']:.2f}".replace("-", "−")


def _note(row: Row, n_latents: int) -> str:
    margin = (
        "" if row["margin"] is None else f" Margin of the right letter with all latents {row['margin']:.1f} logits."
    )
    steps = "" if row["attribution"] == _EXACT else f" Integrated gradients in {row['ig_steps']} steps."
    part = f" The {_MOST} of {n_latents} latents with the largest effects." if n_latents > _MOST else ""
    site = f"{row['model']}, {row['hook_name']}, {row['sae']}."
    return f"{site} Letter {row['letter']}, verdict: {row['verdict']}.{margin}{steps}{part}"


KIND = Kind(
    name="evidence",
    order=30,
    question=__doc__ or "",
    explanation="Each bar is one latent that fires at the word, or a main latent of its letter that stays silent: how "
    "much the logit of the right letter, against the mean of the 25 others, changes when the latent is removed. Far "
    "to the left: the answer hangs on this latent. An absorbing latent leads all others while the main latents do "
    "nothing. Integrated gradients approximate the change for all latents at once; exact is the model run again "
    "without the latent, where that was done. cos is the cosine of the latent's decoder row with the letter's probe "
    "direction.",
    source="2409.14507; absorption rate",
    advice="no effects are in the store for this; `saetui study letters` measures those of words that may be absorbed",
    query="figure_evidence",
    draw=_draw,
    takes=("sae", "letter", "word"),
    parameters=lambda choice: {**saes_of(choice), "letter": choice.letter, "token": choice.word},
)
