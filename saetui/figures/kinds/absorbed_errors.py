"""Are words that an SAE absorbs harder for it, and is what is lost there linear or nonlinear?"""

from __future__ import annotations

from collections.abc import Sequence

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind, thresholds_of
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Plot, Scale
from saetui.figures.study_parts import SITE, site_of, study_of

_GROUPS = {"absorbed": "absorbed", "silent": "silent, not absorbed", "fires": "main latent fires"}
_AGAINST = {"fires": "words with a firing main latent", "silent": "other silent words"}
_CONTROLS = {"none": "as they are", "frequency": "same frequency", "frequency and norm": "same frequency and norm"}
_STRICTEST, _SAME_WORDS = "frequency and norm", "word"
# A store of somebody else may have some rows of a comparison only.
_ABSENT: Row = {"value": None, "low": None, "high": None, "n_words": 0}


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    title = "Errors of absorbed words"
    found = _Comparison(rows)
    if not any(found.count(name, "absorbed") for name in found.saes):
        return Drawing(title, [])
    plots: list[Plot] = [_shares(found)]
    plots += [_differences(found, against) for against in _AGAINST]
    plots.append(_parts(found))
    if found.has_same_words:
        plots.append(_same_words(found))
    return Drawing(title, plots, _note(rows, found))


class _Comparison:
    """Rows of ``figure_absorbed_errors`` by what they are figures of; no SAE stands for the same words in several."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = {(r["name"], r["words"], r["against"], r["control"], r["figure"]): r for r in rows}
        self.saes = [str(name) for name in dict.fromkeys(row["name"] for row in rows) if name is not None]
        self.left_out = {
            why: sum({row["name"]: row[column] or 0 for row in rows}.values())
            for why, column in (
                ("not judged by effects", "n_undecided"),
                ("none of their tokens is held out", "n_not_held_out"),
                ("reconstructed exactly", "n_exact"),
            )
        }

    @property
    def has_same_words(self) -> bool:
        return any(name is None for name, *_ in self._rows)

    def mean(self, sae: str, words: str) -> Row:
        return self._rows.get((sae, words, None, None, "share"), _ABSENT)

    def count(self, sae: str, words: str) -> int:
        return int(self.mean(sae, words)["n_words"])

    def difference(self, sae: str | None, against: str, control: str, figure: str) -> Row:
        return self._rows.get((sae, "absorbed", against, control, figure), _ABSENT)


def _shares(found: _Comparison) -> BarChart:
    bars = [_bar(name, [found.mean(name, group) for group in _GROUPS], 100.0) for name in found.saes]
    scale = Scale("error norm over activation norm", "%")
    return BarChart("error of words by verdict", scale, tuple(_GROUPS.values()), tuple(bars), label="SAE")


def _differences(found: _Comparison, against: str) -> BarChart:
    bars = [
        _bar(name, [found.difference(name, against, control, "error") for control in _CONTROLS]) for name in found.saes
    ]
    title = f"absorbed against {_AGAINST[against]}"
    return BarChart(title, Scale("error norm larger by", "%"), tuple(_CONTROLS.values()), tuple(bars), label="SAE")


def _parts(found: _Comparison) -> BarChart:
    bars = [
        _bar(
            name,
            [found.difference(name, "fires", _STRICTEST, f"{part}_part") for part in ("linear", "nonlinear")],
            100.0,
        )
        for name in found.saes
    ]
    title = "parts of the difference to words with a firing main latent"
    scale = Scale("squared error over squared activation norm", "points")
    return BarChart(title, scale, ("linear part", "nonlinear part"), tuple(bars), label="SAE")


def _same_words(found: _Comparison) -> BarChart:
    bars = [
        _bar(label, [found.difference(None, against, _SAME_WORDS, part) for part in ("error", "linear", "nonlinear")])
        for against, label in _AGAINST.items()
    ]
    title = "absorbed in one SAE against the same words in another"
    names = ("error", "linear part", "nonlinear part")
    return BarChart(title, Scale("norm larger by", "%"), names, tuple(bars), label="words of the other SAE")


def _bar(name: str, rows: Sequence[Row], factor: float = 1.0) -> Bar:
    values = tuple(None if row["value"] is None else factor * row["value"] for row in rows)
    ends = tuple(
        None if row["low"] is None or row["high"] is None else (factor * row["low"], factor * row["high"])
        for row in rows
    )
    return Bar(name, values, intervals=ends)


def _note(rows: Sequence[Row], found: _Comparison) -> str:
    counts = "; ".join(
        f"{name}: {', '.join(f'{found.count(name, group)} {label}' for group, label in _GROUPS.items())}"
        for name in found.saes
    )
    same = ""
    if found.has_same_words:
        fires, silent = (found.difference(None, against, _SAME_WORDS, "error")["n_words"] for against in _AGAINST)
        same = (
            f" Same words: {fires} absorbed in one SAE have a firing main latent in another, {silent} are silent but "
            "not absorbed there."
        )
    return " ".join(
        [
            f"{site_of(rows)}. Words of the error study's held-out tokens by the absorption study's verdict: {counts}.",
            "95 % bootstrap intervals over words. Controls are up to ten strata each of word frequency and activation "
            f"norm; the difference is split within both.{same}",
            *(f"{n:,} words left out, {why}." for why, n in found.left_out.items() if n),
        ]
    )


KIND = Kind(
    name="absorbed_errors",
    order=130,
    question=__doc__ or "",
    explanation="Words of the first-letter task, by what the absorption study says of them in the same SAE: absorbed, "
    "silent main latents without an absorber, or a main latent that fires. How large is the error that the SAE leaves "
    "on them? Frequent words are both absorbed more often and reconstructed better, so the difference is taken as it "
    "is, within strata of word frequency, and of activation norm as well; and between SAEs on the same words. The last "
    "chart splits the squared error into the dot products of its linear and its nonlinear part with the error, which "
    "add up. To the left of zero absorbed words are easier.",
    source="2409.14507 and 2410.14670 together",
    advice="no job has compared the studies of these SAEs yet; `saetui study absorbed_errors` does it after "
    "`saetui study letters` and `saetui study errors`, with the thresholds that it is given",
    query="figure_absorbed_errors",
    draw=_draw,
    takes=(*SITE, "tau", "lead", "min_cosine"),
    parameters=lambda choice: {**study_of(choice), **thresholds_of(choice)},
)
