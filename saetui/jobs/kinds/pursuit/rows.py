"""The rows of a pursuit: the run with its figures, and the codes of every token."""

from datetime import UTC, datetime
from typing import Any

from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.pursuit.named_tokens import NamedTokens
from saetui.pursuit.study import PursuitErrors, PursuitFindings


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
    # All at once: a look at each number would wait for the GPU each time.
    residuals, steps, deviations = found.residuals.tolist(), found.codes.steps.tolist(), found.deviation.tolist()
    contexts, positions, token_ids = tokens.context.tolist(), tokens.position.tolist(), tokens.token_id.tolist()
    before, after = _lists(found.errors_before), _lists(found.errors_after)
    latents = zip(found.before.lists(), found.after.lists(), strict=True)
    rows: list[dict[str, Any]] = []
    for at, (row, (own, pursued)) in enumerate(zip(found.rows.tolist(), latents, strict=True)):
        (latents_before, activations_before), (latents_after, activations_after) = own, pursued
        place = contexts[row], positions[row]
        rows.append(
            {
                "pursuit_id": pursuit_id,
                "row": row,
                "context": place[0] if place[0] >= 0 else None,
                "position": place[1] if place[0] >= 0 else None,
                "token_id": token_ids[row],
                "deviation": deviations[at],
                "error_before": before[0][at],
                "error_after": after[0][at],
                "nonlinear_before": before[1][at],
                "nonlinear_after": after[1][at],
                "l0_before": len(latents_before),
                "l0_after": len(latents_after),
                "latents_before": latents_before,
                "activations_before": activations_before,
                "latents_after": latents_after,
                "activations_after": activations_after,
                "residual_norms": residuals[at][: steps[at] + 1],
            }
        )
    return rows


def _lists(errors: PursuitErrors) -> tuple[list[float], list[float | None]]:
    """Norms of whole errors and of their nonlinear parts, one for each token."""
    whole = errors.total.tolist()
    return whole, [None] * len(whole) if errors.nonlinear is None else errors.nonlinear.tolist()


def _in_words(spec: PursuitSpec) -> str:
    """What the tokens are, where no name was given."""
    parts = [(len(spec.places), "tokens"), (len(spec.words), "words")]
    if not spec.places:
        parts.append((spec.random_tokens, "random tokens"))
    return " and ".join(f"{count} {name}" for count, name in parts if count)
