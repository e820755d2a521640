"""Rows of an absorption study, a word at a time, for tests that know the verdicts."""

from collections.abc import Iterable, Mapping
from typing import Any

from store import Store
from store.spool import Spool
from tests.store import conftest as made

SAE, PROBE = "narrow", "p"
MAIN = 7


def run(**columns: Any) -> dict[str, Any]:
    """The row of a run at the paper's thresholds."""
    usual = {
        "words": "test",
        "attribution": "ig",
        "ig_path": "joint",
        "ig_rule": "left",
        "ig_steps": 6,
        "max_words": 200,
        "tau": 0.03,
        "lead": 1.0,
        "min_cosine": 0.025,
        "model_accuracy": 1.0,
        "seed": 0,
        "created": made.NOW,
    }
    return {"sae_id": SAE, "probe_id": PROBE, **usual, **columns}


def sparse_probe(letter: str, f1: Iterable[float], latents: Iterable[int] = (7, 3, 2, 5)) -> list[dict[str, Any]]:
    """The ranking of a letter: ``f1[k - 1]`` of the first k latents."""
    ranked = enumerate(zip(latents, f1, strict=False), start=1)
    scores = {"precision": 1.0, "recall": 1.0, "sum_f1": 1.0}
    return [
        {"sae_id": SAE, "probe_id": PROBE, "letter": letter, "k": k, "latent": j, "f1": f, **scores}
        for k, (j, f) in ranked
    ]


def judged(letter: str, token_id: int, **columns: Any) -> dict[str, Any]:
    """A word that the probe gets right, and that the sparse probe misses."""
    usual = {"draw": token_id, "projection": 1.0, "sparse_logits": [-1.0] * 4, "margin": 9.0, "attributed": True}
    return {"sae_id": SAE, "probe_id": PROBE, "letter": letter, "token_id": token_id, **usual, **columns}


def fired(letter: str, token_id: int, latent: int, **columns: Any) -> dict[str, Any]:
    """A latent that fires on such a word."""
    usual = {"activation": 1.0, "cosine": 0.5, "projection": 0.0}
    return {
        "sae_id": SAE,
        "probe_id": PROBE,
        "letter": letter,
        "token_id": token_id,
        "latent": latent,
        **usual,
    } | columns


def effects(letter: str, token_id: int, found: Mapping[int, tuple[float, float]]) -> list[dict[str, Any]]:
    """Latents with their ``(effect, cosine)`` on a word."""
    return [fired(letter, token_id, j, effect=effect, cosine=cosine) for j, (effect, cosine) in found.items()]


def add(store: Store, **tables: Iterable[dict[str, Any]]) -> None:
    """Commit rows to the store."""
    with Spool(store.root, "absorption") as spool:
        for table, rows in tables.items():
            spool.add(table, list(rows))
    store.commit_spool()


def words(letter: str, count: int, *, first: int = 0) -> list[dict[str, Any]]:
    """Rows of ``word``: `` s0``, `` s1``, …"""
    return [
        {**made.word(0, letter, 4.0), "token_id": i, "surface": f" {letter}{i}"} for i in range(first, first + count)
    ]
