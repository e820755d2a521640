"""The queries on pursuits, against rows whose answers are known."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.spool import Spool

SAE, OTHER, MODEL, CORPUS = "sae", "other", "model", "corpus"
NOW = datetime(2026, 1, 1)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    root = tmp_path / "store"
    with Store.open(root, create=True) as store:
        with Spool(root, "rows") as spool:
            for sae_id in (SAE, OTHER):
                spool.add("sae", [sae_row(sae_id)])
            spool.add("vocabulary", [vocabulary(i, surface) for i, surface in enumerate(("a", " b", " c", " d", "e"))])
            spool.add(
                "token", [{"corpus_id": CORPUS, "context": 7, "position": p, "token_id": p % 5} for p in range(1, 12)]
            )
            spool.add("pursuit_run", [run_row("old", hour=1), run_row("new", hour=2)])
            spool.add("pursuit_code", [code_row("old", 0), code_row("new", 0), code_row("new", 2, context=None)])
        store.commit_spool()
        yield store


def sae_row(sae_id: str, **columns: Any) -> dict[str, Any]:
    usual = {"model_id": MODEL, "hook_name": "h", "name": sae_id, "architecture": "topk", "d_in": 4, "width": 8}
    made = {"source": "made up", "path": "p", "added": NOW, "corpus_id": CORPUS}
    return {"sae_id": sae_id, **usual, **made, **columns}


def vocabulary(token_id: int, surface: str) -> dict[str, Any]:
    return {"model_id": MODEL, "token_id": token_id, "surface": surface, "letter": None, "frequency": 1}


def run_row(pursuit_id: str, *, hour: int) -> dict[str, Any]:
    return {
        "pursuit_id": pursuit_id,
        "sae_id": SAE,
        "corpus_id": CORPUS,
        "chosen": "hardest 2",
        "method": "persistent",
        "l0_rule": "own",
        "n_tokens": 2,
        "n_excluded": 0,
        "fvu_before": 0.5,
        "fvu_after": 0.4,
        "seconds": 0.5,
        "created": NOW.replace(hour=hour),
    }


def code_row(pursuit_id: str, row: int, *, context: int | None = 7) -> dict[str, Any]:
    return {
        "pursuit_id": pursuit_id,
        "row": row,
        "context": context,
        "position": None if context is None else 3,
        "token_id": 3,
        "deviation": 4.0,
        "error_before": 2.0,
        "error_after": 1.0 + row,
        "l0_before": 2,
        "l0_after": 3,
        "latents_before": [1, 2],
        "activations_before": [3.0, 0.5],
        "latents_after": [5, 1, 6],
        "activations_after": [4.0, 2.0, 1.0],
        "residual_norms": [4.0, 2.0] if row else [4.0, 3.0, 1.0],
    }


def test_a_run_says_its_relative_changes(store: Store) -> None:
    runs = store.query("pursuit_runs").to_dicts()
    assert [run["pursuit_id"] for run in runs] == ["new", "old"]
    assert runs[0]["fvu_change"] == pytest.approx(-0.2)
    assert runs[0]["nonlinear_change"] is None
    assert runs[0]["tokens_per_second"] == 4


def test_tokens_are_of_the_latest_run_and_stand_in_their_context(store: Store) -> None:
    place, word = store.query("pursuit_tokens", pursuit=None, sae=SAE, beside="old").to_dicts()
    assert (place["pursuit_id"], place["row"], place["corpus_id"]) == ("new", 0, CORPUS)
    assert place["tokens"][place["focus"]] == place["surface"] == " d"
    # Position 0 holds no token of the corpus, and the window ends eight tokens after the token.
    assert place["tokens"] == [" b", " c", " d", "e", "a", " b", " c", " d", "e", "a", " b"]
    assert place["token_fvu_before"] == pytest.approx(0.25)
    assert place["token_fvu_after"] == pytest.approx(1 / 16)
    assert place["error_change"] == pytest.approx(-0.5)
    assert place["beside_after"] == pytest.approx(1 / 16)
    assert (place["n_kept"], place["n_dropped"], place["n_added"]) == (1, 1, 2)
    assert (word["row"], word["tokens"], word["focus"], word["corpus_id"]) == (2, [" d"], 0, None)
    assert word["beside_after"] is None


def test_latents_are_kept_dropped_and_added(store: Store) -> None:
    found = store.query("pursuit_latents", pursuit="new", sae=SAE, pursued=None).to_dicts()
    told = [(row["latent"], row["role"], row["activation_before"], row["activation_after"]) for row in found]
    assert told == [(1, "kept", 3, 2), (2, "dropped", 0.5, 0), (5, "added", 0, 4), (6, "added", 0, 1)]
    assert store.query("pursuit_latents", pursuit="new", sae=SAE, pursued=1).height == 0


def test_the_residual_stays_where_a_token_is_done(store: Store) -> None:
    asked = {"pursuit": "new", "sae": SAE, "beside": "old", "pursued": 2}
    found = store.query("pursuit_residual", **asked).to_dicts()
    own = [row for row in found if not row["is_beside"]]
    assert [row["residual"] for row in own] == pytest.approx([1, (9 + 4) / 32, (1 + 4) / 32])
    assert [row["token"] for row in own] == pytest.approx([1, 0.25, 0.25])
    assert [row["encoder"] for row in own] == pytest.approx([8 / 32] * 3)
    assert [row["residual"] for row in found if row["is_beside"]] == pytest.approx([1, 9 / 16, 1 / 16])


def study(study_id: str, *, hour: int) -> dict[str, Any]:
    counts = dict.fromkeys(("n_tokens", "n_train", "n_test", "n_excluded", "first_position", "rank", "seed"), 0)
    made = {"variance": 1.0, "intercept": True, "notes": [], "created": NOW.replace(hour=hour), "d_in": 4}
    ids = {"study_id": study_id, "model_id": MODEL, "hook_name": "h", "corpus_id": CORPUS}
    return {**ids, "sae_ids": [OTHER, SAE], "widths": [4, 8], **counts, **made}


def error(study_id: str, position: int, norms: list[float]) -> dict[str, Any]:
    zeros = dict.fromkeys(("activation_norm", "hardness", "share", "change", "nonlinear_share"), 0.0)
    lists = {"error_norm": norms, "linear_norm": norms, "nonlinear_norm": norms, "l0": [1, 1]}
    place = {"context": 7, "position": position, "token_id": position % 5, "held_out": True}
    return {"study_id": study_id, **place, **zeros, **lists}


@pytest.fixture
def studied(store: Store) -> Store:
    with Spool(store.root, "errors") as spool:
        spool.add("error_study", [study("first", hour=1), study("second", hour=2)])
        spool.add("error_token", [error("first", 9, [9.0, 9.0])])
        errors = {2: [9.0, 1.0], 3: [1.0, 5.0], 4: [2.0, 3.0], 8: [0.0, 4.0]}
        spool.add("error_token", [error("second", position, norms) for position, norms in errors.items()])
    store.commit_spool()
    return store


def test_the_hardest_tokens_are_those_of_this_sae_in_its_newest_study(studied: Store) -> None:
    found = studied.query("pursuit_hardest", sae=SAE, study=None, limit=2)
    assert found["position"].to_list() == [3, 8]
    assert studied.query("pursuit_hardest", sae=OTHER, study=None, limit=1)["position"].to_list() == [2]
    assert studied.query("pursuit_hardest", sae="none", study=None, limit=1).height == 0
    studied.write("UPDATE error_token SET held_out = false WHERE position = 3")
    assert studied.query("pursuit_hardest", sae=SAE, study=None, limit=9)["position"].to_list() == [8, 4, 2]


@pytest.mark.slow
def test_of_equal_tokens_one_is_pursued(studied: Store) -> None:
    """Position 8 is a token like that at 3, of equal activation."""
    studied.write("UPDATE error_token SET equal_to = 7 << 16 | 3, n_equal = 2 WHERE position IN (3, 8)")
    assert studied.query("pursuit_hardest", sae=SAE, study=None, limit=2)["position"].to_list() == [3, 4]


@pytest.mark.slow
def test_marks_are_places_words_and_the_hardest_place_of_any_other_token(studied: Store) -> None:
    marks = [("place", f"{CORPUS}/7/4"), ("place", "elsewhere/7/4"), ("token", " b"), ("token", " d"), ("letter", "s")]
    word = {"probe_id": "p", "token_id": 1, "surface": " b", "letter": "b", "split": "test", "probe_logit": 1.0}
    probe = {"probe_id": "p", "model_id": MODEL, "hook_name": "h", "letter": "b", "n_train": 1, "n_test": 1}
    with Spool(studied.root, "marks") as spool:
        spool.add("mark", [{"subject": kind, "key": key, "created": NOW} for kind, key in marks])
        spool.add("word", [word])
        spool.add("probe", [{**probe, "usable": True, "bias": 0.0, "direction": [1.0], "seed": 0}])
    studied.commit_spool()
    found = {row["surface"]: row for row in studied.query("pursuit_marked", sae=SAE).to_dicts()}
    assert len(found) == 4
    assert (found[f"{CORPUS}/7/4"]["context"], found[f"{CORPUS}/7/4"]["position"]) == (7, 4)
    assert found["elsewhere/7/4"]["context"] is None
    assert (found[" b"]["is_word"], found[" b"]["context"]) == (True, None)
    # Of the positions that hold " d", 3 is the one with the larger error of this SAE.
    assert (found[" d"]["is_word"], found[" d"]["position"]) == (False, 3)


@pytest.mark.slow
def test_a_pursuit_reads_what_the_newest_study_read_cut_as_it_was(studied: Store) -> None:
    model = {"model_id": MODEL, "name": "m", "source": "embedded", "family": "f", "n_layers": 1, "d_model": 4}
    sizes = {"context_length": 32, "vocabulary_size": 5, "added": NOW}
    corpus = {"corpus_id": CORPUS, "model_id": MODEL, "name": "c", "source": "text", "context_length": 16}
    job = {"job_id": "j", "kind": "errors", "title": "t", "state": "done", "content_hash": "h", "created": NOW}
    with Spool(studied.root, "source") as spool:
        spool.add("model", [{**model, **sizes}])
        spool.add("corpus", [{**corpus, "n_contexts": 1, "n_tokens": 11, "token_hash": "h", "added": NOW}])
    studied.commit_spool()
    (row,) = studied.query("pursuit_source", sae=SAE).to_dicts()
    assert (row["study_id"], row["corpus"], row["context_length"], row["max_tokens"]) == ("second", "text", 16, None)
    with Spool(studied.root, "job") as spool:
        spool.add("job", [{**job, "spec": '{"max_tokens": 11}'}])
    studied.commit_spool()
    assert studied.query("pursuit_source", sae=SAE)["max_tokens"].to_list() == [11]
