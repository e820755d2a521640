"""Made-up pursuits in the small study: one of places, one of the same places by another method, one of words."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from store import Store
from store.spool import Spool
from tests.tui.store_fixture import CORPUS, SAES, WORDS

PLACES, WORDS_RUN, AGAIN = "aaaa00000001", "bbbb00000002", "cccc00000003"
SAE = SAES[256]
N = 30
_CREATED = datetime(2026, 11, 20, 13, 0)
Row = dict[str, Any]


def add_pursuits(root: Path) -> Path:
    """Commit the pursuits to a store made by ``make_study``, and give its folder back; the latest is of words."""
    with Store.open(root) as store:
        tokens = store.fetch("SELECT context, position, token_id FROM token ORDER BY context, position").rows
        with Spool(root, "pursuits") as spool:
            places = [(c, p, t) for c, p, t in tokens[::40]][:N]
            spool.add(
                "pursuit_run", [_run(PLACES, "hardest 30", 0.4, 0.3), _run(AGAIN, "hardest 30", 0.4, 0.25, minute=-1)]
            )
            spool.add("pursuit_code", _codes(PLACES, places, 0.9))
            spool.add("pursuit_code", _codes(AGAIN, places[:10], 0.8))
            words: list[tuple[int | None, int | None, int]] = [
                (None, None, WORDS.index(word)) for word in ("short", "so", "snake")
            ]
            spool.add("pursuit_run", [_run(WORDS_RUN, "missed words of s", 0.2, 0.21, n=3, minute=1)])
            spool.add("pursuit_code", _codes(WORDS_RUN, words, 1.02))
        store.commit_spool()
    return root


def _run(pursuit_id: str, chosen: str, before: float, after: float, *, n: int = N, minute: int = 0) -> Row:
    return {
        "pursuit_id": pursuit_id,
        "sae_id": SAE,
        "corpus_id": None if pursuit_id == WORDS_RUN else CORPUS,
        "study_id": None if pursuit_id == WORDS_RUN else "errors-prose",
        "chosen": chosen,
        "method": "orthogonal" if pursuit_id == AGAIN else "persistent",
        "l0_rule": "own",
        "n_tokens": n,
        "n_excluded": 0,
        "fvu_before": before,
        "fvu_after": after,
        "fvu_nonlinear_before": None if pursuit_id == WORDS_RUN else before / 2,
        "fvu_nonlinear_after": None if pursuit_id == WORDS_RUN else after / 2,
        "l0_before": 4.0,
        "l0_after": 3.9,
        "products_saved": 0.5,
        "seconds": 0.5,
        "created": _CREATED + timedelta(minutes=minute),
    }


def _codes(pursuit_id: str, tokens: list[tuple[int | None, int | None, int]], change: float) -> list[Row]:
    random = Random(5)
    rows = []
    for row, (context, position, token_id) in enumerate(tokens):
        error = round(random.uniform(3, 9), 3)
        nonlinear = (
            {} if context is None else {"nonlinear_before": error * 0.8, "nonlinear_after": error * change * 0.8}
        )
        rows.append(
            {
                "pursuit_id": pursuit_id,
                "row": row,
                "context": context,
                "position": position,
                "token_id": token_id,
                "deviation": 10.0,
                "error_before": error,
                "error_after": error * change,
                **nonlinear,
                "l0_before": 3,
                "l0_after": 3,
                "latents_before": [1, 18, 40],
                "activations_before": [2.0, 5.0, 1.0],
                "latents_after": [18, 41 + row % 7, 1],
                "activations_after": [5.5, 3.0, 1.5],
                "residual_norms": [10.0, 8.0, 7.0, error * change],
            }
        )
    return rows
