"""Rows of the comparison of absorbed words with others."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import numpy as np

from saetui.jobs.kinds.absorbed_errors.spec import AbsorbedErrorsSpec
from saetui.together import (
    ABSORBED,
    GROUPS,
    SILENT,
    ComparedWords,
    Comparison,
    Interval,
    NormDifference,
    WithinWords,
    compare_verdicts,
    compare_within_words,
)

# Words that were not judged to the end belong to no group.
_UNJUDGED = ("not sampled", "undefined")
Row = Mapping[str, Any]


def comparison_rows(words: Sequence[Row], spec: AbsorbedErrorsSpec) -> dict[str, list[dict[str, Any]]]:
    """The rows of ``absorbed_comparison`` and ``absorbed_error`` from those of the query ``absorbed_errors``."""
    by_sae: dict[str, list[Row]] = {}
    for row in words:
        by_sae.setdefault(row["sae_id"], []).append(row)
    studies = [[sae_id, of_sae[0]["probe_id"]] for sae_id, of_sae in by_sae.items()]
    thresholds = {"tau": spec.tau, "lead": spec.lead, "min_cosine": spec.min_cosine}
    content = json.dumps([words[0]["study_id"], studies, thresholds, spec.seed])
    own = {"comparison_id": hashlib.sha256(content.encode()).hexdigest()[:12]}
    created = datetime.now(UTC).replace(tzinfo=None)
    compared: dict[str, ComparedWords] = {}
    comparisons, errors = [], []
    for sae_id, of_sae in by_sae.items():
        decided = [row for row in of_sae if row["verdict"] not in _UNJUDGED]
        judged = [row for row in decided if row["n_held_out"]]
        compared[sae_id] = words_of(judged)
        found = compare_verdicts(compared[sae_id], seed=spec.seed)
        comparisons.append(
            {
                **own,
                "sae_id": sae_id,
                "study_id": of_sae[0]["study_id"],
                "probe_id": of_sae[0]["probe_id"],
                **thresholds,
                **{f"n_{group}": found.counts[group] for group in GROUPS},
                "n_undecided": len(of_sae) - len(decided),
                "n_not_held_out": len(decided) - len(judged),
                "n_exact": found.n_left_out,
                "seed": spec.seed,
                "created": created,
            }
        )
        errors += [{**own, "sae_id": sae_id, **row} for row in _of_sae(found)]
    if len(compared) > 1:
        within = compare_within_words(list(compared.values()), seed=spec.seed)
        errors += [{**own, "sae_id": None, **row} for row in _of_same_words(within)]
    return {"absorbed_comparison": comparisons, "absorbed_error": errors}


def words_of(rows: Sequence[Row]) -> ComparedWords:
    """The words of one SAE as its comparison takes them."""

    def column(name: str) -> Any:
        return np.array([row[name] for row in rows], dtype=np.float64)

    squared = column("squared_activation")
    return ComparedWords(
        word=np.array([row["token_id"] for row in rows], dtype=np.int64),
        group=np.array([row["verdict"] if row["verdict"] in GROUPS else SILENT for row in rows], dtype=np.str_),
        # A vocabulary that was counted on other text may not have the word.
        frequency=np.array([row["frequency"] or row["n_occurrences"] for row in rows], dtype=np.float64),
        activation=column("activation_norm"),
        error=column("error_norm"),
        linear=column("linear_norm"),
        nonlinear=column("nonlinear_norm"),
        linear_contribution=column("linear_contribution") / squared,
        nonlinear_contribution=column("nonlinear_contribution") / squared,
    )


def _of_sae(found: Comparison) -> Iterator[dict[str, Any]]:
    """Means of every group of words, then how absorbed words differ from the others."""
    means = {"share": found.share, "linear_part": found.linear_part, "nonlinear_part": found.nonlinear_part}
    for words, n in found.counts.items():
        for figure, of_group in means.items():
            yield _row(words, None, None, figure, of_group[words], n)
    for (against, control), difference in found.differences.items():
        yield from _difference(against, control, difference, found.counts[ABSORBED])


def _of_same_words(within: Mapping[str, WithinWords]) -> Iterator[dict[str, Any]]:
    for against, found in within.items():
        yield from _difference(against, "word", found.norms, found.n_words)


def _difference(against: str, control: str, found: NormDifference, n: int) -> Iterator[dict[str, Any]]:
    for field in fields(found):
        yield _row(ABSORBED, against, control, field.name, getattr(found, field.name), n)


def _row(words: str, against: str | None, control: str | None, figure: str, found: Interval, n: int) -> dict[str, Any]:
    return {
        "words": words,
        "against": against,
        "control": control,
        "figure": figure,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n_words": n,
    }
