"""A train job makes SAEs of every architecture."""

from pathlib import Path

import pytest

from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.plugins import architecture_names
from saetui.sae import SAEError, load_sae
from store import Store

from .conftest import HOOK, RunTask


@pytest.mark.slow
def test_a_job_trains_every_architecture(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    recipes = tuple(
        Recipe(architecture=name, width=32, k=3 if name == "topk" else None) for name in architecture_names()
    )
    run_task(spec(model_folder, corpus_file, recipes))
    with Store.open(tmp_path / "store") as store:
        rows = store.fetch("SELECT architecture, name, k, path, n_evaluated FROM sae ORDER BY architecture").dicts()
    assert [row["architecture"] for row in rows] == list(architecture_names())
    assert [row["k"] for row in rows] == [3 if row["architecture"] == "topk" else None for row in rows]
    for row in rows:
        assert row["n_evaluated"] > 0
        assert load_sae(tmp_path / "store" / row["path"]).architecture == row["architecture"]


def test_a_topk_recipe_without_k_is_refused_before_the_harvest(
    run_task: RunTask, model_folder: Path, corpus_file: Path
) -> None:
    with pytest.raises(SAEError, match="k is missing; topk needs the latents kept per token"):
        run_task(spec(model_folder, corpus_file, (Recipe(width=32),)))


def spec(model_folder: Path, corpus_file: Path, recipes: tuple[Recipe, ...]) -> TrainSpec:
    return TrainSpec(
        model=str(model_folder),
        corpus=str(corpus_file),
        hook_name=HOOK,
        recipes=recipes,
        context_length=21,
        tokens=640,
        batch_size=64,
    )
