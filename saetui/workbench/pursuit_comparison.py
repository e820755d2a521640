"""The figures of a pursuit beside those of the paper (2410.14670), as text."""

from collections.abc import Mapping
from typing import Any

# What 2410.14670 reports of a pursuit at each token's own L0.
PAPER_FVU = "−3 to −5%"
PAPER_NONLINEAR = "falls slightly"


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
