"""What a training takes that nobody gave: the recipe of an SAE that is there, or settings for small models."""

from dataclasses import replace
from typing import Any

import pytest

from saetui.jobs.demo import AUXK, BATCH, DEAD_TOKENS, GRID, TOKENS, learning_rate
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.recipes import TrainedBy
from saetui.workbench.catalogue import SaeEntry
from saetui.workbench.exceptions import CommandError, UsageError
from saetui.workbench.training_plan import plan_training

HOOK = "blocks.1.hook_resid_post"
DEMO = TrainSpec(
    hook_name=HOOK,
    recipes=tuple(
        Recipe(width=width, k=k, lr=learning_rate(width), auxk=AUXK, dead_tokens=DEAD_TOKENS) for width, k in GRID
    ),
    tokens=TOKENS,
    batch_size=BATCH,
)


def entry(recipe: Recipe, **values: Any) -> SaeEntry:
    measured = dict.fromkeys(("l0", "fvu", "mean_letter_f1", "absorption_rate"))
    return SaeEntry(
        sae_id=f"id-{recipe.sae_name}",
        name=recipe.sae_name,
        model_id="m",
        model_name="speller",
        hook_name=HOOK,
        width=recipe.width,
        architecture="topk",
        k=None if recipe.k is None else float(recipe.k),
        model_source="embedded",
        corpus_source="stdlib",
        recipe=DEMO.trained_by(recipe).text,
        d_model=128,
        **measured | values,
    )


SAES = tuple(entry(recipe) for recipe in DEMO.recipes)
CURRENT = SAES[1]


def given(*widths: int, **values: Any) -> dict[str, Any]:
    site = {"model": "embedded", "corpus": "stdlib", "hook_name": HOOK}
    return {**site, "architecture": ("topk",), "width": widths, **values}


def test_what_is_not_given_is_as_in_the_current_sae() -> None:
    plan = plan_training(given(1024, k=(8,)), SAES, example=CURRENT)
    (recipe,) = plan.train.recipes
    assert DEMO.trained_by(DEMO.recipes[3]) == plan.train.trained_by(recipe)
    assert plan.said == (
        "This trains w1024-k8 (topk, width 1,024, k 8) on 1,280,000 tokens of stdlib: batches of 512, learning rate "
        "0.008, AuxK 4, latents dead after 8,000 tokens, seed 0. The recipe is that of w512-k4 but for: width 1,024 "
        "instead of 512; k 8 instead of 4."
    )


def test_the_demo_is_trained_again_by_its_own_recipe() -> None:
    """Whichever of its SAEs is looked at, and with the learning rate of each width."""
    for example in SAES:
        plan = plan_training(given(512, 1024, 2048, 8192, k=(4,)), SAES, example=example)
        rates = {recipe.width: recipe.lr for recipe in plan.train.recipes}
        assert rates == {width: learning_rate(width) for width, _ in GRID}
        assert "learning rate" not in plan.said.partition("but for")[2]
    assert plan_training(given(512), SAES, example=CURRENT).said.endswith("That is the recipe of w512-k4.")


def test_what_is_given_holds_and_is_said_to_differ() -> None:
    asked = given(512, tokens=5000, lr=(0.001, 0.002), batch_size=64, seed=3, auxk=(0,))
    plan = plan_training(asked, SAES, example=CURRENT)
    assert [(recipe.lr, recipe.auxk) for recipe in plan.train.recipes] == [(0.001, 0), (0.002, 0)]
    assert (plan.train.tokens, plan.train.batch_size, plan.train.seed) == (5000, 64, 3)
    for said in (
        "5,000 tokens instead of 1,280,000 tokens",
        "batch 64 instead of batch 512",
        "learning rate 0.001 instead of learning rate 0.008",
        "learning rate 0.002 instead of learning rate 0.008",
        "AuxK 0 instead of AuxK 4",
    ):
        assert said in plan.said


def test_another_architecture_takes_over_the_tokens_but_not_the_settings_of_one() -> None:
    plan = plan_training(given(512) | {"architecture": ("standard",)}, SAES, example=CURRENT)
    (recipe,) = plan.train.recipes
    assert (plan.train.tokens, plan.train.batch_size) == (TOKENS, BATCH)
    assert (recipe.k, recipe.lr, recipe.auxk, recipe.dead_tokens) == (None, None, None, None)
    assert "architecture standard instead of architecture topk" in plan.said
    assert "learning rate the default" in plan.said


def test_an_imported_sae_has_no_recipe_and_that_is_said() -> None:
    imported = replace(CURRENT, recipe=None, name="theirs")
    plan = plan_training(given(1024, k=(8,)), [imported], example=imported)
    (recipe,) = plan.train.recipes
    # Those of the demo, whose model is small.
    assert (plan.train.tokens, plan.train.batch_size) == (TOKENS, BATCH)
    assert (recipe.lr, recipe.auxk, recipe.dead_tokens) == (learning_rate(1024), AUXK, DEAD_TOKENS)
    assert "How theirs was trained is not known, so these are saetui's settings for small models" in plan.said
    large = replace(imported, d_model=2304)
    plan = plan_training(given(1024, k=(8,)), [large], example=large)
    assert (plan.train.tokens, plan.train.batch_size, plan.train.recipes[0].lr) == (2_000_000, 2048, None)
    assert "so these are saetui's settings, and" in plan.said


def test_another_sae_can_be_the_example_or_none() -> None:
    dense = replace(CURRENT, sae_id="d", name="dense", recipe=replace(recipe_of(CURRENT), tokens=77).text)
    assert plan_training(given(512), [*SAES, dense], example=CURRENT, like="dense").train.tokens == 77
    plan = plan_training(given(1024, k=(4,)), [*SAES, dense], example=dense, like="none")
    assert plan.train.tokens == TOKENS
    assert plan.said.endswith("These are saetui's settings for small models.")
    with pytest.raises(CommandError, match="no SAE 'denser'"):
        plan_training(given(512), SAES, example=CURRENT, like="denser")
    unknown = replace(dense, recipe=None)
    with pytest.raises(CommandError, match="how dense was trained is not known"):
        plan_training(given(512), [unknown], example=unknown, like="dense")


def recipe_of(sae: SaeEntry) -> TrainedBy:
    recipe = TrainedBy.read(sae.recipe)
    assert recipe is not None
    return recipe


@pytest.mark.parametrize("values", [{"width": ("many",)}, {"width": (0,)}, {"width": (2,), "k": (4,)}, {"width": ()}])
@pytest.mark.parametrize("example", [CURRENT, replace(CURRENT, recipe=None)])
def test_what_is_wrong_is_named(values: dict[str, Any], example: SaeEntry) -> None:
    with pytest.raises(UsageError, match="train: "):
        plan_training(given() | values, SAES, example=example)
