"""The figures of a pursuit beside those of the paper (2410.14670), as text."""

from collections.abc import Mapping, Sequence
from typing import Any

# What 2410.14670 reports of a pursuit at each token's own L0, over all tokens of its texts.
PAPER_FVU = "−3 to −5%"
PAPER_NONLINEAR = "falls slightly"
PAPER = "2410.14670: all tokens, own L0"
# The ways to choose tokens that select them by what is measured here, and how.
_SELECTED = {
    "hardest": "selected for their large error",
    "missed": "selected as missed by the main latents",
    "words": "words of one letter, in prompts",
    "marked": "selected by hand",
}


def is_sample(run: Mapping[str, Any]) -> bool:
    """Whether its tokens were drawn at random, so that its figures stand for all tokens as the paper's do."""
    return str(run["chosen"]).startswith("random")


def selection(run: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], advice: str) -> str:
    """How a pursuit's tokens were selected, and the change on a random sample; empty where they are one.

    ``runs`` are all pursuits, the latest first: that of a random sample in the same SAE, by the same method and number
    of latents is named, or else ``advice`` how to make one.
    """
    if is_sample(run):
        return ""
    way = str(run["chosen"]).partition(" ")[0]
    said = _SELECTED.get(way, "selected by place")
    same = ("sae_id", "method", "l0_rule")
    sample = next((other for other in runs if is_sample(other) and all(other[n] == run[n] for n in same)), None)
    if sample is None:
        return f"{said}; {advice} takes a sample"
    nonlinear = signed_percent(sample["nonlinear_change"])
    return f"{said}; on {sample['chosen']}: FVU {signed_percent(sample['fvu_change'])}, nonlinear part {nonlinear}"


def comparison(run: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """A pursuit's figures in lines: name, before, after, change, and what the paper says of the change."""
    return [
        ("FVU", _share(run["fvu_before"]), _share(run["fvu_after"]), signed_percent(run["fvu_change"]), PAPER_FVU),
        (
            "FVU, nonlinear part",
            _share(run["fvu_nonlinear_before"]),
            _share(run["fvu_nonlinear_after"]),
            signed_percent(run["nonlinear_change"]),
            PAPER_NONLINEAR,
        ),
        ("L0", f"{run['l0_before']:.2f}", f"{run['l0_after']:.2f}", _l0_change(run), "the same"),
    ]


def _l0_change(run: Mapping[str, Any]) -> str:
    return signed_percent(run["l0_after"] / run["l0_before"] - 1 if run["l0_before"] else None)


def between(before: float | None, after: float | None) -> str:
    """Two fractions of variance, e.g. ``0.1200 → 0.1000``."""
    return f"{_share(before)} → {_share(after)}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def signed_percent(change: float | None) -> str:
    """A relative change, e.g. ``−3.2%``."""
    return "–" if change is None else f"{change:+.1%}".replace("-", "−")
