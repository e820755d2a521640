"""Are words that an SAE absorbs harder for it, and is what is lost there linear or nonlinear?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from saetui.figures.choice import Choice
from saetui.figures.kind import Drawing, Kind, thresholds_of
from saetui.figures.lines import Row
from saetui.figures.plots import Bar, BarChart, Plot, Scale
from saetui.figures.study_parts import SITE, site_of, study_of

if TYPE_CHECKING:
    from saetui.together import ComparedWords, Comparison, Interval, WithinWords

_GROUPS = {"absorbed": "absorbed", "silent": "silent, not absorbed", "fires": "main latent fires"}
_AGAINST = {"fires": "words with a firing main latent", "silent": "other silent words"}
_CONTROLS = {"none": "as they are", "frequency": "same frequency", "frequency and norm": "same frequency and norm"}
_STRICTEST = "frequency and norm"
# Words that were not judged to the end belong to no group.
_UNJUDGED = ("not sampled", "undefined")


def _draw(rows: Sequence[Row], choice: Choice) -> Drawing:  # noqa: ARG001
    from saetui.together import compare_verdicts, compare_within_words

    title = "Errors of absorbed words"
    decided = [row for row in rows if row["verdict"] not in _UNJUDGED]
    judged = [row for row in decided if row["n_held_out"]]
    by_sae: dict[str, list[Row]] = {}
    for row in judged:
        by_sae.setdefault(str(row["name"]), []).append(row)
    words = {name: words_of(of_sae) for name, of_sae in by_sae.items()}
    found = {name: compare_verdicts(of_sae) for name, of_sae in words.items()}
    if not any(comparison.counts["absorbed"] for comparison in found.values()):
        return Drawing(title, [])
    left_out = {
        "not judged by effects": len(rows) - len(decided),
        "none of their tokens is held out": len(decided) - len(judged),
        "reconstructed exactly": sum(comparison.n_left_out for comparison in found.values()),
    }
    within = compare_within_words(list(words.values())) if len(words) > 1 else {}
    plots: list[Plot] = [_shares(found)]
    plots += [_differences(found, against) for against in _AGAINST]
    plots.append(_parts(found))
    if within:
        plots.append(_same_words(within))
    return Drawing(title, plots, _note(judged, left_out, found, within))


def words_of(rows: Sequence[Row]) -> ComparedWords:
    """The words of one SAE as its comparison takes them, from rows of the query ``absorbed_errors``."""
    import numpy as np

    from saetui.together import ComparedWords

    def column(name: str) -> Any:
        return np.array([row[name] for row in rows], dtype=np.float64)

    squared = column("squared_activation")
    return ComparedWords(
        word=np.array([row["token_id"] for row in rows], dtype=np.int64),
        group=np.array([row["verdict"] if row["verdict"] in _GROUPS else "silent" for row in rows], dtype=np.str_),
        # A vocabulary that was counted on other text may not have the word.
        frequency=np.array([row["frequency"] or row["n_occurrences"] for row in rows], dtype=np.float64),
        activation=column("activation_norm"),
        error=column("error_norm"),
        linear=column("linear_norm"),
        nonlinear=column("nonlinear_norm"),
        linear_contribution=column("linear_contribution") / squared,
        nonlinear_contribution=column("nonlinear_contribution") / squared,
    )


def _shares(found: Mapping[str, Comparison]) -> BarChart:
    bars = [_bar(name, [c.share[group] for group in _GROUPS], 100.0) for name, c in found.items()]
    scale = Scale("error norm over activation norm", "%")
    return BarChart("error of words by verdict", scale, tuple(_GROUPS.values()), tuple(bars), label="SAE")


def _differences(found: Mapping[str, Comparison], against: str) -> BarChart:
    bars = [
        _bar(name, [comparison.differences[against, control].error for control in _CONTROLS])
        for name, comparison in found.items()
    ]
    title = f"absorbed against {_AGAINST[against]}"
    return BarChart(title, Scale("error norm larger by", "%"), tuple(_CONTROLS.values()), tuple(bars), label="SAE")


def _parts(found: Mapping[str, Comparison]) -> BarChart:
    bars = []
    for name, comparison in found.items():
        difference = comparison.differences["fires", _STRICTEST]
        bars.append(_bar(name, [difference.linear_part, difference.nonlinear_part], 100.0))
    title = "parts of the difference to words with a firing main latent"
    scale = Scale("squared error over squared activation norm", "points")
    return BarChart(title, scale, ("linear part", "nonlinear part"), tuple(bars), label="SAE")


def _same_words(within: Mapping[str, WithinWords]) -> BarChart:
    bars = []
    for against, label in _AGAINST.items():
        norms = within[against].norms
        bars.append(_bar(label, [norms.error, norms.linear, norms.nonlinear]))
    title = "absorbed in one SAE against the same words in another"
    names = ("error", "linear part", "nonlinear part")
    return BarChart(title, Scale("norm larger by", "%"), names, tuple(bars), label="there")


def _bar(name: str, estimates: Sequence[Interval], factor: float = 1.0) -> Bar:
    values = tuple(None if one.value is None else factor * one.value for one in estimates)
    ends = tuple(None if one.ends is None else (factor * one.ends[0], factor * one.ends[1]) for one in estimates)
    return Bar(name, values, intervals=ends)


def _note(
    rows: Sequence[Row],
    left_out: Mapping[str, int],
    found: Mapping[str, Comparison],
    within: Mapping[str, WithinWords],
) -> str:
    counts = "; ".join(
        f"{name}: {', '.join(f'{comparison.counts[group]} {label}' for group, label in _GROUPS.items())}"
        for name, comparison in found.items()
    )
    same = (
        f" Same words: {within['fires'].n_words} absorbed in one SAE have a firing main latent in another, "
        f"{within['silent'].n_words} are silent but not absorbed there."
        if within
        else ""
    )
    return " ".join(
        [
            f"{site_of(rows)}. Words of the error study's held-out tokens by the absorption study's verdict: {counts}.",
            "95 % bootstrap intervals over words. Controls are up to ten strata each of word frequency and activation "
            f"norm; the difference is split within both.{same}",
            *(f"{n:,} words left out, {why}." for why, n in left_out.items() if n),
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
    advice="no words have been seen by both studies yet; `saetui study letters` and `saetui study errors` on the same "
    "SAEs",
    query="absorbed_errors",
    draw=_draw,
    takes=(*SITE, "tau", "lead", "min_cosine"),
    parameters=lambda choice: {**study_of(choice), **thresholds_of(choice)},
)
