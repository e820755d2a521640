"""The gradients written by hand are those of the dense formulation under autograd."""

import pytest
import torch
from torch import Tensor

from saetui.sae.trainees.auxk import AuxK
from saetui.sae.trainees.topk_gradients import Parameters, TopKGradients, TopKTrainee
from saetui.sae.trainees.trainee import DenseTrainee, Trainee
from saetui.sae.training.initialization import random_unit_rows
from saetui.sae.training.recipe import TopKRecipe
from tests.sae.dense import DenseTopK

D_IN, WIDTH, K = 16, 96, 6


def toy(seed: int = 0) -> tuple[Parameters, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    parameters = Parameters(
        W_enc=random_unit_rows(WIDTH, D_IN, seed) * 1.3,
        W_dec=random_unit_rows(WIDTH, D_IN, seed + 1),
        b_enc=torch.randn(WIDTH, generator=generator) * 0.3,
        b_dec=torch.randn(D_IN, generator=generator) * 0.2,
    )
    return parameters, torch.randn(50, D_IN, generator=generator)


def dense(parameters: Parameters, recipe: TopKRecipe, dead_after: int) -> DenseTopK:
    w_enc, w_dec, b_enc, b_dec = (tensor.clone() for tensor in parameters.tensors())
    return DenseTopK(w_enc.T.contiguous(), w_dec, b_enc, b_dec, recipe, dead_after)


@pytest.mark.parametrize(("n_dead", "auxk"), [(0, 8), (1, 8), (30, 8), (30, 64), (30, 1), (30, 0)])
@pytest.mark.parametrize("density", [0.0, 1.1], ids=["dense AuxK", "sparse AuxK"])
def test_gradients_equal_autograd(n_dead: int, auxk: int, density: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saetui.sae.trainees.auxk._SPARSE_DENSITY", density)
    parameters, x = toy()
    dead_after = 1000
    silent = torch.zeros(WIDTH, dtype=torch.long)
    silent[:n_dead] = dead_after
    parameters.b_enc[:n_dead] -= 1.5
    recipe = TopKRecipe(width=WIDTH, k=K, steps=1, auxk=auxk, auxk_coefficient=0.5)
    reference = dense(parameters, recipe, dead_after)
    reference.silent.copy_(silent)
    if auxk == 0:
        reference.dead_after = 1 << 40
    loss = reference.loss(x)
    loss.backward()
    result = TopKGradients(K, AuxK(auxk, recipe.auxk_coefficient, dead_after))(parameters, x, silent)
    ours = result.squared_error + recipe.auxk_coefficient * result.auxiliary
    torch.testing.assert_close(ours, loss.detach(), rtol=1e-5, atol=1e-5)
    assert (result.auxiliary > 0) == (n_dead > 0 and auxk > 0)
    expected = [parameter.grad for parameter in reference.parameters()]
    expected[0] = expected[0].T  # type: ignore[union-attr]
    for hand, auto in zip(result.gradients.tensors(), expected, strict=True):
        torch.testing.assert_close(hand, auto, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_dead", [0, 1, 30])
def test_the_fast_path_takes_the_step_of_the_training_loss(n_dead: int) -> None:
    parameters, x = toy()
    recipe = TopKRecipe(width=WIDTH, k=K, steps=10, auxk=8, auxk_coefficient=0.5)
    silent = torch.zeros(WIDTH, dtype=torch.long)
    silent[:n_dead] = 1000
    steps = []
    for path in (TopKTrainee, DenseTrainee):
        trainee: Trainee = path(recipe, parameters.W_dec.clone(), parameters.b_dec.clone(), 1000)
        named = trainee.named()
        named["W_enc"].copy_(parameters.W_enc)
        named["b_enc"].copy_(parameters.b_enc)
        named["b_enc"][:n_dead] -= 1.5
        step = trainee.step(x, silent, 0.5)
        steps.append((step, dict(zip(named, step.gradients, strict=True))))
    (fast, by_hand), (dense, by_autograd) = steps
    assert (fast.penalty > 0) == (n_dead > 0)
    for name in ("squared_error", "penalty", "l0", "fired"):
        torch.testing.assert_close(getattr(fast, name), getattr(dense, name), rtol=1e-5, atol=1e-5)
    assert by_hand.keys() == by_autograd.keys()
    for name, gradient in by_hand.items():
        torch.testing.assert_close(gradient, by_autograd[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("density", [0.0, 1.1], ids=["dense AuxK", "sparse AuxK"])
def test_dead_latents_that_stay_negative_get_no_gradient(density: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saetui.sae.trainees.auxk._SPARSE_DENSITY", density)
    parameters, x = toy()
    parameters.b_enc[:30] = -100
    silent = torch.zeros(WIDTH, dtype=torch.long)
    silent[:30] = 1000
    result = TopKGradients(K, AuxK(8, 0.5, 1000))(parameters, x, silent)
    assert result.auxiliary > 0
    assert not result.gradients.W_dec[:30].any()
    assert not result.gradients.b_enc[:30].any()


def test_an_error_that_does_not_vary_gives_no_auxiliary_loss() -> None:
    parameters, x = toy()
    silent = torch.full((WIDTH,), 1000)
    result = TopKGradients(K, AuxK(8, 0.5, 1000))(parameters, x[:1].expand(50, -1), silent)
    assert float(result.auxiliary) == 0
    assert all(torch.isfinite(gradient).all() for gradient in result.gradients.tensors())


def test_latents_that_were_not_selected_get_no_gradient() -> None:
    parameters, x = toy()
    result = TopKGradients(K, AuxK(0, 0.0, 1))(parameters, x, torch.zeros(WIDTH, dtype=torch.long))
    silent = ~result.fired
    assert silent.any()
    for gradient in (result.gradients.W_enc, result.gradients.W_dec, result.gradients.b_enc):
        assert not gradient[silent].any()


def test_l0_counts_positive_latents_only() -> None:
    parameters, x = toy()
    parameters.b_enc -= 2
    result = TopKGradients(K, AuxK(0, 0.0, 1))(parameters, x, torch.zeros(WIDTH, dtype=torch.long))
    pre = (x - parameters.b_dec) @ parameters.W_enc.T + parameters.b_enc
    assert float(result.l0) == pytest.approx(float((pre > 0).sum(dim=1).clamp(max=K).float().mean()))
    assert result.l0 < K


def test_smaller_batches_after_larger_ones_reuse_the_memory() -> None:
    parameters, x = toy()
    gradients, silent = TopKGradients(K, AuxK(0, 0.0, 1)), torch.zeros(WIDTH, dtype=torch.long)
    gradients(parameters, x, silent)
    again = gradients(parameters, x[:7], silent)
    fresh = TopKGradients(K, AuxK(0, 0.0, 1))(parameters, x[:7], silent)
    for one, other in zip(again.gradients.tensors(), fresh.gradients.tensors(), strict=True):
        torch.testing.assert_close(one, other)


def test_more_latents_than_sixteen_bits_can_name_have_the_same_gradients() -> None:
    width = (1 << 16) + 64
    parameters = Parameters(
        random_unit_rows(width, 4, 0), random_unit_rows(width, 4, 1), torch.zeros(width), torch.zeros(4)
    )
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(3))
    result = TopKGradients(3, AuxK(0, 0.0, 1))(parameters, x, torch.zeros(width, dtype=torch.long))
    reference = dense(parameters, TopKRecipe(width=width, k=3, steps=1), 1 << 40)
    reference.loss(x).backward()
    torch.testing.assert_close(result.gradients.W_dec, reference.W_dec.grad, rtol=1e-5, atol=1e-5)
