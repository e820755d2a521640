"""The two studies together: what each SAE leaves out of the words that it absorbs. Arrays in, no torch."""

from saetui.intervals import Interval
from saetui.together.absorbed_words import (
    ABSORBED,
    CONTROLS,
    FIRES,
    GROUPS,
    SILENT,
    ComparedWords,
    Comparison,
    NormDifference,
    VerdictDifference,
    WithinWords,
    compare_verdicts,
    compare_within_words,
)

__all__ = [
    "ABSORBED",
    "CONTROLS",
    "FIRES",
    "GROUPS",
    "SILENT",
    "ComparedWords",
    "Comparison",
    "Interval",
    "NormDifference",
    "VerdictDifference",
    "WithinWords",
    "compare_verdicts",
    "compare_within_words",
]
