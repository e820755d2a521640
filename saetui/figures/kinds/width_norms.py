"""Do the same tokens stay hard as SAEs grow wider, and does the nonlinear part tell which?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, HeatMap, Scale
from saetui.figures.recipes import Recipes
from saetui.figures.study_parts import ADVICE, SITE, site_of, study_of

_GAINS = {"nonlinear norm": "gain", "linear norm": "gain_linear", "shuffled": "gain_shuffled"}


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    title = "Error norms across widths"
    if not rows:
        return Drawing(title, [])
    ends = [row[end] for row in rows for end in ("r2_low", "r2_high")]
    widest = max((row["r2_high"] - row["r2_low"] for row in rows), default=0.0) if None not in ends else None
    intervals = "" if widest is None else f" 95 % intervals over contexts span at most {100 * widest:.1f} points of R²."
    tokens = f"{rows[0]['n_test']:,} held-out of {rows[0]['n_tokens']:,} tokens"
    note = f"{site_of(rows)}, {tokens}, half of their contexts to fit and half to test.{intervals}"
    mixed = Recipes(rows[0]["family"] or []).mixed
    return Drawing(title, [_matrix(rows), _gains(rows)], f"{note} These are {mixed}." if mixed else note)


def _matrix(rows: Sequence[Row]) -> HeatMap:
    places = {row["smaller"]: row["smaller_place"] for row in rows} | {
        row["larger"]: row["larger_place"] for row in rows
    }
    names = sorted(places, key=lambda name: places[name])
    known = {(row["smaller"], row["larger"]): row["r2"] for row in rows}
    return HeatMap(
        "R² of the error norm across SAEs, %",
        Scale("R²", "%"),
        tuple(names[:-1]),
        tuple(names[1:]),
        tuple(tuple(known.get((smaller, larger)) for larger in names[1:]) for smaller in names[:-1]),
        row_label="narrower SAE",
        column_label="wider SAE",
    )


def _gains(rows: Sequence[Row]) -> BarChart:
    return BarChart(
        "what a second norm of the narrower SAE adds",
        Scale("share of what is left unexplained", "%"),
        tuple(_GAINS),
        tuple(
            Bar(
                f"{row['smaller']} → {row['larger']}",
                tuple(row[column] for column in _GAINS.values()),
                intervals=(_ends(row), None, None),
            )
            for row in rows
        ),
        label="pair of SAEs",
    )


def _ends(row: Row) -> tuple[float, float] | None:
    return None if row["gain_low"] is None or row["gain_high"] is None else (row["gain_low"], row["gain_high"])


KIND = Kind(
    name="width_norms",
    order=100,
    question=__doc__ or "",
    explanation="The norm of each token's error under a wider SAE is predicted from that under a narrower one: R² near "
    "100 % says that the same tokens stay hard. Below, how much of what this leaves unexplained the norm of the "
    "narrower SAE's nonlinear error explains on top. Two controls stand beside it: the norm of the linear part, and "
    "nonlinear norms of other tokens. Only a gain above both speaks for the nonlinear part.",
    source="2410.14670; per-token scaling",
    advice=ADVICE,
    query="figure_width_norms",
    draw=_draw,
    takes=SITE,
    parameters=study_of,
)
