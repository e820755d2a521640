"""Training: it follows the dense formulation step by step, finds planted dictionaries, and fails in words."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from saetui.sae import SAEError, TopKRecipe, TrainingError, TrainingStep, load_sae, save_sae, train_saes
from saetui.sae.evaluation import evaluate
from saetui.sae.training.initialization import geometric_median, random_unit_rows
from tests.sae.dense import DenseTopK

D_IN, F = 16, 64


def planted(n_batches: int, batch: int = 256, *, seed: int = 0, active: float = 3.0) -> Iterator[Tensor]:
    """Sparse sums of F unit directions, away from the origin."""
    dictionary = random_unit_rows(F, D_IN, 99)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(n_batches):
        on = torch.rand(batch, F, generator=generator) < active / F
        yield (on * (0.5 + torch.rand(batch, F, generator=generator))) @ dictionary + 0.3


def noise(n_batches: int, batch: int = 64) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(n_batches):
        yield torch.randn(batch, D_IN, generator=generator) * 3 + 1


def recipe(steps: int, **settings: object) -> TopKRecipe:
    return TopKRecipe(**{"width": F, "k": 4, "steps": steps, **settings})  # type: ignore[arg-type]


@pytest.mark.slow
def test_planted_dictionary_is_found_at_several_widths() -> None:
    steps = 1500
    recipes = [recipe(steps, width=width, k=3, lr=3e-3, hook_name="blocks.0.hook_resid_post") for width in (F, 2 * F)]
    trained = train_saes(planted(steps), recipes)
    dictionary = random_unit_rows(F, D_IN, 99)
    for one, made_from in zip(trained, recipes, strict=True):
        cosines = dictionary @ one.sae.decoder_directions().T
        assert float(cosines.max(dim=1).values.mean()) > 0.9
        assert one.recipe is made_from
        assert one.sae.hook_name == "blocks.0.hook_resid_post"
        assert one.log[-1].step == steps
        torch.testing.assert_close(one.sae.W_dec.norm(dim=1), torch.ones(made_from.width))


@pytest.mark.parametrize(("normalize", "dead_tokens"), [("none", 1 << 40), ("none", 128), ("mean_square", 128)])
def test_training_follows_the_dense_formulation(normalize: str, dead_tokens: int) -> None:
    steps = 40
    made_from = recipe(steps, k=2, lr=2e-3, normalize=normalize, dead_tokens=dead_tokens, auxk=6, b_dec_init="mean")
    batches = list(noise(steps))
    tokens = torch.cat(batches)
    scale = 1.0 if normalize == "none" else float(tokens.double().square().sum(1).mean()) ** -0.5
    rows = random_unit_rows(F, D_IN, made_from.seed)
    reference = DenseTopK(
        rows.T.clone().contiguous(), rows.clone(), torch.zeros(F), tokens.mean(dim=0) * scale, made_from, dead_tokens
    )
    losses = [reference.step(x * scale) for x in batches]
    reported: list[TrainingStep] = []
    (trained,) = train_saes(batches, [made_from], on_step=reported.append, report_every=1)
    assert [step.loss[0] for step in reported] == pytest.approx(losses, rel=1e-4)
    torch.testing.assert_close(trained.sae.W_dec, reference.W_dec.detach(), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(trained.sae.W_enc, reference.W_enc.detach(), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(trained.sae.b_dec * scale, reference.b_dec.detach(), rtol=1e-3, atol=1e-4)
    if dead_tokens == 128:
        assert any(step.dead_fraction[0] > 0 for step in reported)


def test_the_finished_sae_works_in_model_units() -> None:
    (trained,) = train_saes(noise(60), [recipe(60, lr=1e-3)])
    (measured,) = evaluate([trained.sae], noise(60))
    assert measured.fvu is not None
    assert measured.fvu == pytest.approx(trained.log[-1].fvu, abs=0.05)
    assert measured.l0 == pytest.approx(trained.log[-1].l0, abs=0.1)


def test_the_same_seed_gives_the_same_sae_and_another_gives_another() -> None:
    first, again, other = (train_saes(noise(20), [recipe(20, seed=seed)])[0].sae for seed in (0, 0, 1))
    assert torch.equal(first.W_dec, again.W_dec)
    assert not torch.allclose(first.W_dec, other.W_dec)


def test_neighbours_in_training_do_not_change_an_sae() -> None:
    (alone,) = train_saes(noise(20), [recipe(20)])
    together = train_saes(noise(20), [recipe(20, width=32), recipe(20), recipe(10, k=2)])
    assert torch.equal(together[1].sae.W_dec, alone.sae.W_dec)
    assert together[2].sae.workbench["training"]["steps"] == 10


def test_steps_are_reported(tmp_path: object) -> None:
    reported: list[TrainingStep] = []
    train_saes(noise(25), [recipe(25, name="small"), recipe(12)], on_step=reported.append, report_every=10)
    assert [step.step for step in reported] == [10, 20, 25]
    last = reported[-1]
    assert last.names == ("small", "w64-k4")
    assert (last.steps, last.tokens) == (25, 25 * 64)
    assert all(0 < fvu < 2 for fvu in last.fvu)
    assert all(0 < l0 <= 4 for l0 in last.l0)
    assert all(0 <= dead <= 1 for dead in last.dead_fraction)


def test_an_exception_of_the_listener_ends_training() -> None:
    def stop(_: TrainingStep) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_saes(noise(100), [recipe(100)], on_step=stop)


def test_trained_sae_is_saved_with_its_recipe(tmp_path: object) -> None:
    (trained,) = train_saes(noise(10), [recipe(10, name="mine", lr=1e-3)])
    again = load_sae(save_sae(trained.sae, f"{tmp_path}/sae"))
    assert again.workbench["name"] == "mine"
    assert again.workbench["recipe"]["lr"] == 1e-3
    assert again.workbench["training"]["tokens"] == 640
    assert torch.equal(again.encode(torch.ones(1, D_IN)), trained.sae.encode(torch.ones(1, D_IN)))


class TestFailures:
    def test_one_that_diverges_is_named_and_the_others_are_kept(self) -> None:
        recipes = [recipe(30, name="sound"), recipe(30, name="wild", lr=1e38, clip_norm=1e38)]
        reported: list[TrainingStep] = []
        with pytest.raises(TrainingError, match=r"wild: NaN in step \d+ of 30; lower lr") as caught:
            train_saes(noise(30), recipes, on_step=reported.append)
        assert [one.recipe.name for one in caught.value.finished] == ["sound"]
        assert caught.value.finished[0].log[-1].step == 30
        assert math.isnan(reported[-1].loss[1])

    @pytest.mark.slow
    @pytest.mark.parametrize("at", [2, 600])
    def test_activations_with_nan_are_named(self, at: int) -> None:
        def spoiled() -> Iterator[Tensor]:
            for number, batch in enumerate(noise(700), start=1):
                if number == at:
                    batch[3, 4] = math.nan
                yield batch

        with pytest.raises(TrainingError, match=f"batch {at} holds NaN or infinite activations; check") as caught:
            train_saes(spoiled(), [recipe(700), recipe(100, name="short")])
        assert [one.recipe.name for one in caught.value.finished] == (["short"] if at == 600 else [])

    def test_a_stream_that_ends_early_is_named(self) -> None:
        with pytest.raises(TrainingError, match="ended after 12 of 30 batches; give more tokens") as caught:
            train_saes(noise(12), [recipe(30), recipe(12, name="short")])
        assert [one.recipe.name for one in caught.value.finished] == ["short"]

    def test_an_empty_stream_is_refused(self) -> None:
        with pytest.raises(SAEError, match="empty"):
            train_saes([], [recipe(3)])

    def test_activations_that_are_all_zero_are_refused(self) -> None:
        with pytest.raises(SAEError, match="all zero"):
            train_saes([torch.zeros(8, D_IN)] * 3, [recipe(3)])

    @pytest.mark.slow
    def test_a_stream_that_changes_its_width_is_refused(self) -> None:
        with pytest.raises(SAEError, match="width 16"):
            train_saes([*noise(600), torch.zeros(64, 5)], [recipe(601)])

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"k": 65}, "k is 65, but the width only 64"),
            ({"k": 0}, "k is 0"),
            ({"width": 0}, "width is 0"),
            ({"lr": -1.0}, "lr is -1.0"),
            ({"lr": math.nan}, "lr is nan"),
            ({"decay_share": 1.5}, "decay_share is 1.5"),
            ({"dead_tokens": 0}, "dead_tokens is 0"),
        ],
    )
    def test_recipes_that_make_no_sense_are_refused(self, settings: dict[str, object], message: str) -> None:
        with pytest.raises(SAEError, match=message):
            recipe(3, **settings)


class TestRecipe:
    def test_learning_rate_rises_stays_and_falls(self) -> None:
        rates = [recipe(1000, lr=1.0, warm_up_steps=100).learning_rate(step) for step in range(1000)]
        assert rates[0] == pytest.approx(0.01)
        assert rates[99:801] == [1.0] * 702
        assert rates[900] == pytest.approx(0.5)
        assert rates[999] == pytest.approx(0.005)

    def test_default_learning_rate_falls_with_the_root_of_the_width(self) -> None:
        assert recipe(1, width=1 << 14).peak_lr == pytest.approx(2e-4)
        assert recipe(1, width=1 << 12).peak_lr == pytest.approx(4e-4)

    def test_the_dead_window_is_a_share_of_the_tokens_at_most_10_million(self) -> None:
        assert recipe(1000).dead_after(100) == 5000
        assert recipe(10**6).dead_after(4096) == 10_000_000

    def test_auxk_is_half_of_the_width_of_the_model_at_most_512(self) -> None:
        assert [recipe(1).auxk_of(d_in) for d_in in (16, 128, 4096)] == [8, 64, 512]


def test_geometric_median_ignores_an_outlier() -> None:
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 1000.0]])
    median = geometric_median(points)
    assert float(median[1]) < 1.5
    torch.testing.assert_close(geometric_median(torch.ones(9, 3)), torch.ones(3))


def test_batches_may_come_from_inference_mode() -> None:
    def inferred() -> Iterator[Tensor]:
        with torch.inference_mode():
            yield from noise(12)

    (trained,) = train_saes(inferred(), [recipe(12, dead_tokens=64)])
    (usual,) = train_saes(noise(12), [recipe(12, dead_tokens=64)])
    assert torch.equal(trained.sae.W_dec, usual.sae.W_dec)
