"""Does the split of an error find what was put into it?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind
from saetui.figures.lines import Row
from saetui.figures.plots import Chart, Line, Point, Scale
from saetui.figures.study_parts import SITE, ends_of, percent, site_of, study_of

_UNIT = "% of variance"


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    title = "Errors with known parts"
    if not rows:
        return Drawing(title, [])
    told = "; ".join(
        f"{row['name']}: linear {_line(row, 'linear')}, nonlinear {_line(row, 'nonlinear')}"
        for row in {row["name"]: row for row in rows}.values()
    )
    note = f"{site_of(rows)}. Slope of found against put in, and correlation: {told}. 95 % intervals over contexts."
    return Drawing(title, [_against(rows, "linear"), _against(rows, "nonlinear")], note, columns=2)


def _line(row: Row, part: str) -> str:
    slope, correlation = row[f"{part}_slope"], row[f"{part}_correlation"]
    return "undefined" if slope is None or correlation is None else f"{slope:.2f} and {correlation:.2f}"


def _against(rows: Sequence[Row], part: str) -> Chart:
    drawn = []
    for name in dict.fromkeys(row["name"] for row in rows):
        points = []
        for row in rows:
            if row["name"] != name or row[part] is None:
                continue
            low, high = ends_of(row, part, 100) or (None, None)
            points.append(Point(100 * row[f"true_{part}"], 100 * row[part], low, high, _cell(row)))
        drawn.append(Line(name, tuple(sorted(points, key=lambda point: point.x)), joined=False))
    most = max(100 * row[f"true_{part}"] for row in rows)
    drawn.append(Line("as put in", (Point(0.0, 0.0), Point(most, most)), reference=True, marked=False))
    title = f"{part} part, found against put in"
    return Chart(title, Scale("put in", _UNIT), Scale("found", _UNIT), tuple(drawn), key="SAE")


def _cell(row: Row) -> str:
    return (
        f"dense {row['dense_deviation']:.3g}, introduced {row['introduced_deviation']:.3g}, "
        f"{percent(row['removed_share']):.0f} % left out"
    )


KIND = Kind(
    name="introduced_error",
    order=93,
    question=__doc__ or "",
    explanation="Activations are made of an SAE's own latents and dense noise; their reconstruction lacks the weakest "
    "latents and has noise of its own. Each point is one amount of each. The linear part should be the dense noise and "
    "the latents left out, the nonlinear part the noise that the reconstruction introduced: on the line. Points below "
    "it on the left say how much of a linear part the split takes for nonlinear.",
    source="2410.14670; introduced error",
    advice="no error study has tried it; `saetui study errors --introduced-error` does",
    query="figure_introduced_error",
    draw=_draw,
    takes=SITE,
    parameters=study_of,
)
