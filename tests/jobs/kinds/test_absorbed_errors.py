"""The absorbed-errors job on a tiny model: both studies are read from the store, and what is compared is stored."""

from pathlib import Path

import pytest

from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.absorbed_errors.rows import words_of
from saetui.jobs.kinds.absorbed_errors.spec import AbsorbedErrorsSpec
from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.jobs.kinds.errors.spec import ErrorsSpec
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.together import compare_verdicts
from store import Store
from tests.jobs.kinds.conftest import HOOK, RunTask


@pytest.fixture
def studies(run_task: RunTask, model_folder: Path, corpus_file: Path) -> None:
    """Two SAEs with both studies."""
    model, corpus = str(model_folder), str(corpus_file)
    recipes = (Recipe(width=32, k=2), Recipe(width=64, k=2))
    site = {"model": model, "corpus": corpus, "hook_name": HOOK, "context_length": 32}
    run_task(TrainSpec.model_validate({**site, "tokens": 2000, "batch_size": 100, "recipes": recipes}))
    run_task(AbsorptionSpec(model=model, words="all", examples=2, ig_steps=1))
    run_task(ErrorsSpec.model_validate({**site, "losses": False, "pursuit_tokens": 0}))


@pytest.mark.slow
@pytest.mark.usefixtures("studies")
def test_the_stored_comparison_is_that_of_the_library(run_task: RunTask, tmp_path: Path) -> None:
    spec = AbsorbedErrorsSpec(hook_name=HOOK)
    run_task(spec)
    run_task(spec)
    asked = {"saes": None, "hook": HOOK, "model": None, "tau": None, "lead": None, "min_cosine": None}
    with Store.open(tmp_path / "store") as store:
        words = store.fetch("absorbed_errors", **asked).dicts()
        compared = store.fetch("FROM absorbed_comparison").dicts()
        shares = store.fetch("FROM absorbed_error WHERE figure = 'share' AND words = 'fires'").dicts()
    # A comparison that is made again replaces itself.
    assert sorted(row["sae_id"] for row in compared) == sorted({row["sae_id"] for row in words})
    for row in compared:
        own = [word for word in words if word["sae_id"] == row["sae_id"]]
        judged = [w for w in own if w["verdict"] not in ("not sampled", "undefined") and w["n_held_out"]]
        found = compare_verdicts(words_of(judged))
        assert (row["n_absorbed"], row["n_silent"], row["n_fires"]) == tuple(found.counts.values())
        left_out = row["n_undecided"] + row["n_not_held_out"] + row["n_exact"]
        assert sum(found.counts.values()) + left_out == len(own)
        assert found.counts["fires"] > 1
        (share,) = (share for share in shares if share["sae_id"] == row["sae_id"])
        assert (share["value"], share["low"], share["high"]) == pytest.approx(
            (found.share["fires"].value, found.share["fires"].low, found.share["fires"].high)
        )


@pytest.mark.slow
@pytest.mark.usefixtures("studies")
def test_saes_and_model_are_known_by_the_beginning_of_their_names(run_task: RunTask, tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        ((model_id, name),) = store.fetch("SELECT model_id, name FROM model").rows
    for model in (model_id, model_id[:5], name[:3]):
        run_task(AbsorbedErrorsSpec(hook_name=HOOK, saes=("w3",), model=model))
    with Store.open(tmp_path / "store") as store:
        assert store.fetch("SELECT name FROM absorbed_comparison JOIN sae USING (sae_id)").rows == [("w32-k2",)]
    with pytest.raises(JobError, match="saes: 'w' can be w32-k2, w64-k2"):
        run_task(AbsorbedErrorsSpec(hook_name=HOOK, saes=("w",)))
    with pytest.raises(JobError, match=r"saes: the store has no SAE 'x' \(it has: w32-k2, w64-k2\)"):
        run_task(AbsorbedErrorsSpec(hook_name=HOOK, saes=("x",)))


def test_there_is_nothing_to_compare_before_both_studies(run_task: RunTask) -> None:
    with pytest.raises(JobError, match=r"no word of .* was seen by both studies"):
        run_task(AbsorbedErrorsSpec(hook_name=HOOK))
    with pytest.raises(JobError, match="saes: the store has no SAE 'mine'"):
        run_task(AbsorbedErrorsSpec(hook_name=HOOK, saes=("mine",)))
    with pytest.raises(JobError, match="model: the store has no model 'mine'"):
        run_task(AbsorbedErrorsSpec(hook_name=HOOK, model="mine"))
