"""Activations are found where they were stored last, wherever the SAE was trained; some are drawn from each tenth."""

from typing import Any

import pytest

from store import Spool, Store
from tests.store import conftest as made
from tests.store.absorption_rows import SAE, add, effects, judged, run, sparse_probe

STRENGTHS = (1.0, 0.95, 0.28, 0.25, 0.21, 0.09, 0.01)


@pytest.fixture
def judged_study(store: Store) -> Store:
    """The made-up study, with an absorption study in which latent 7 takes " short" over."""
    with Spool(store.root, "job-1") as spool:
        made.add_study(spool)
    store.commit_spool()
    add(
        store,
        absorption_run=[run()],
        sparse_probe=sparse_probe("s", [0.8, 0.82], latents=(3, 7)),
        absorption_word=[judged("s", 0)],
        absorption_latent=effects("s", 0, {7: (-1.5, 0.1)}),
    )
    return store


@pytest.mark.parametrize(
    ("query", "asked", "n_rows"),
    [
        ("absorption_occurrences", {"letter": "s", "token": " short"}, 3),
        ("absorption_active", {"letter": "s", "context": 1, "position": 6}, 1),
        ("token_latents", {"context": 1, "position": 6}, 1),
        ("context_tokens", {"context": 1, "latent": 7}, 6),
        ("latent_top_activations", {"latent": 7}, 6),
        ("latent_activation_range", {"latent": 7}, 5),
    ],
)
def test_they_are_found_though_the_sae_was_trained_on_other_tokens(
    judged_study: Store, query: str, asked: dict[str, Any], n_rows: int
) -> None:
    before = judged_study.fetch(query, sae=SAE, **asked).rows
    assert len(before) == n_rows
    judged_study.write("UPDATE sae SET corpus_id = 'trained on'")
    assert judged_study.fetch(query, sae=SAE, **asked).rows == before


def test_those_that_were_stored_last_are_taken(store: Store) -> None:
    sizes = {"c": 3, "other": 2}
    for corpus in ("c", "other", "c"):
        at = {"sae_id": "narrow", "corpus_id": corpus, "position": 1, "latent": 0}
        add(
            store,
            corpus=[{**made.corpus(), "corpus_id": corpus}],
            sae=[made.sae("narrow", 8)],
            token=[{"corpus_id": corpus, "context": c, "position": 1, "token_id": 0} for c in range(sizes[corpus])],
            latent_activation=[{**at, "context": c, "activation": 1.0} for c in range(sizes[corpus])],
        )
        assert store.fetch("SELECT sae_id, corpus_id FROM last_activations").rows == [("narrow", corpus)]
        assert len(store.fetch("latent_top_activations", sae="narrow", latent=0)) == sizes[corpus]
    assert len(store.fetch("latent_top_activations", sae="narrow", latent=0, corpus="other")) == 2


def test_one_token_is_drawn_from_each_tenth_of_the_range(store: Store) -> None:
    """0.95 and 1.0 are in the uppermost tenth, 0.21 to 0.28 in the third, 0.09 and 0.01 in the lowest."""
    add(
        store,
        corpus=[{**made.corpus(), "context_length": 64}],
        sae=[made.sae("narrow", 8)],
        token=[{"corpus_id": "c", "context": c, "position": p, "token_id": p} for c in range(7) for p in range(1, 40)],
        latent_activation=[
            {**made.at("narrow", c, 20), "latent": latent, "activation": top * strength}
            for latent, top in ((5, 1.0), (6, 8.0))
            for c, strength in enumerate(STRENGTHS)
        ],
    )
    found = {n: store.fetch("latent_activation_range", sae="narrow", latent=n).dicts() for n in (5, 6)}
    for latent, top in ((5, 1.0), (6, 8.0)):
        rows = found[latent]
        assert [(row["tenth"], row["n_tokens"]) for row in rows] == [(10, 2), (3, 3), (1, 2)]
        for row in rows:
            assert row["activation"] == pytest.approx(top * STRENGTHS[row["context"]])
            assert (row["position"], row["first_position"]) == (20, 12)
            assert row["tokens"] == [f"#{p}" for p in range(12, 29)]
            assert row["activations"][8] == row["activation"]
    # What is drawn depends on the places alone.
    drawn = [
        min(tenth, key=lambda context: (context * 64 + 20) * 2654435761 % 2**32)
        for tenth in ((0, 1), (2, 3, 4), (5, 6))
    ]
    assert [row["context"] for row in found[5]] == [row["context"] for row in found[6]] == drawn
