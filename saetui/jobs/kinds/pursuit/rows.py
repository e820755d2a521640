"""The rows of a pursuit: the run with its figures, and the codes of every token."""

from datetime import UTC, datetime
from typing import Any

from jaxtyping import Float
from torch import Tensor

from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.pursuit.named_tokens import NamedTokens
from saetui.pursuit.study import PursuitFindings


def run_row(
    spec: PursuitSpec,
    pursuit_id: str,
    sae_id: str,
    corpus_id: str,
    study_id: str | None,
    tokens: NamedTokens,
    found: PursuitFindings,
) -> dict[str, Any]:
    """The row of ``pursuit_run``."""
    in_corpus = bool((tokens.context >= 0).any())
    return {
        "pursuit_id": pursuit_id,
        "sae_id": sae_id,
        "corpus_id": corpus_id if in_corpus else None,
        "study_id": study_id,
        "chosen": spec.chosen or _in_words(spec),
        "method": spec.method,
        "l0_rule": "own" if spec.l0 is None else str(spec.l0),
        "n_tokens": len(found.rows),
        "n_excluded": found.n_excluded,
        "fvu_before": found.fvu_before[0],
        "fvu_after": found.fvu_after[0],
        "fvu_nonlinear_before": found.fvu_before[1],
        "fvu_nonlinear_after": found.fvu_after[1],
        "l0_before": float(found.before.l0.double().mean()),
        "l0_after": float(found.after.l0.double().mean()),
        "products_saved": found.codes.work.saved,
        "seconds": found.seconds,
        "created": datetime.now(UTC).replace(tzinfo=None),
    }


def code_rows(pursuit_id: str, tokens: NamedTokens, found: PursuitFindings) -> list[dict[str, Any]]:
    """Rows of ``pursuit_code``."""
    residuals = found.residuals.tolist()
    rows: list[dict[str, Any]] = []
    for at, row in enumerate(found.rows.tolist()):
        place = int(tokens.context[row]), int(tokens.position[row])
        latents_before, activations_before = found.before.lists(at)
        latents_after, activations_after = found.after.lists(at)
        rows.append(
            {
                "pursuit_id": pursuit_id,
                "row": row,
                "context": place[0] if place[0] >= 0 else None,
                "position": place[1] if place[0] >= 0 else None,
                "token_id": int(tokens.token_id[row]),
                "deviation": float(found.deviation[at]),
                "error_before": float(found.errors_before.total[at]),
                "error_after": float(found.errors_after.total[at]),
                "nonlinear_before": _at(found.errors_before.nonlinear, at),
                "nonlinear_after": _at(found.errors_after.nonlinear, at),
                "l0_before": len(latents_before),
                "l0_after": len(latents_after),
                "latents_before": latents_before,
                "activations_before": activations_before,
                "latents_after": latents_after,
                "activations_after": activations_after,
                "residual_norms": residuals[at][: int(found.codes.steps[at]) + 1],
            }
        )
    return rows


def _at(values: Float[Tensor, " n"] | None, row: int) -> float | None:
    return None if values is None else float(values[row])


def _in_words(spec: PursuitSpec) -> str:
    """What the tokens are, where no name was given."""
    parts = [(len(spec.places), "tokens"), (len(spec.words), "words")]
    if not spec.places:
        parts.append((spec.random_tokens, "random tokens"))
    return " and ".join(f"{count} {name}" for count, name in parts if count)
