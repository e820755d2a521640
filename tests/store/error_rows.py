"""Rows of an error study of the made-up SAEs, a token at a time, for tests that know the answers."""

from collections.abc import Iterable, Sequence
from typing import Any

from store import Store
from store.spool import Spool
from tests.store import conftest as made

STUDY = "errors-1"
SAES, WIDTHS = ("narrow", "wide"), (8, 16)
VARIANCE = 4.0


def study(**columns: Any) -> dict[str, Any]:
    """The row of a study of both SAEs."""
    usual = {
        "study_id": STUDY,
        "model_id": "m",
        "hook_name": "blocks.1.hook_resid_post",
        "corpus_id": "c",
        "sae_ids": list(SAES),
        "widths": list(WIDTHS),
        "n_tokens": 18,
        "n_train": 12,
        "n_test": 6,
        "n_excluded": 0,
        "first_position": 0,
        "d_in": 128,
        "rank": 128,
        "variance": VARIANCE,
        "intercept": True,
        "clean_loss": 2.0,
        "seed": 0,
        "notes": ["fewer tokens than 20 a dimension"],
        "created": made.NOW,
    }
    return usual | columns


def token(
    context: int, position: int, errors: Sequence[float], *, token_id: int | None = None, **columns: Any
) -> dict[str, Any]:
    """A token with its error in every SAE; the token is that of the made-up corpus unless given."""
    n = len(errors)
    usual = {
        "study_id": STUDY,
        "context": context,
        "position": position,
        "token_id": (position - 1 + context) % 6 if token_id is None else token_id,
        "held_out": False,
        "activation_norm": 10.0,
        "clean_loss": 2.0,
        "hardness": sum(errors) / n,
        "share": sum(errors) / n / 10.0,
        "change": errors[-1] - errors[0],
        "slope": 0.0,
        "nonlinear_share": 0.5,
        "damage": 0.25,
        "error_norm": list(errors),
        "linear_norm": [0.6 * error for error in errors],
        "nonlinear_norm": [0.8 * error for error in errors],
        "l0": [4] * n,
        "loss": [2.0 + error / 10 for error in errors],
    }
    return usual | columns


def figure(sae_id: str, name: str, value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """A figure of an SAE with its interval."""
    return {"study_id": STUDY, "sae_id": sae_id, "figure": name, "value": value, "low": low, "high": high}


def add(store: Store, **tables: Iterable[dict[str, Any]]) -> None:
    """Commit rows to the store."""
    with Spool(store.root, "errors") as spool:
        for table, rows in tables.items():
            spool.add(table, list(rows))
    store.commit_spool()
