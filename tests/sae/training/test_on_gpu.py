"""Training on a pretended GPU: the same SAEs as on a CPU, and hardly ever a wait."""

import contextlib
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from saetui.sae import TrainingError, TrainingRecipe, train_saes
from saetui.sae.trainees.auxk import AuxK
from tests.pretended_cuda import Machine, counts_waits, gpu_on

GPU = "cuda:0"
STEPS = 40


def batches(device: str, steps: int = STEPS) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(24, 12, generator=generator)
    for _ in range(steps):
        codes = torch.rand(256, 24, generator=generator) * (torch.rand(256, 24, generator=generator) < 0.1)
        yield (codes @ basis + 0.01 * torch.randn(256, 12, generator=generator)).to(device)


def recipe(architecture: str, seed: int = 0) -> TrainingRecipe:
    """Latents count as dead so soon that some are in every step."""
    topk = architecture == "topk"
    return TrainingRecipe(
        architecture=architecture,
        width=48,
        k=3 if topk else None,
        steps=STEPS,
        seed=seed,
        dead_tokens=256 if topk else None,
        auxk=8 if topk else None,
        auxk_coefficient=0.01,
        name=f"{architecture}-{seed}",
    )


@pytest.mark.parametrize("architecture", ["topk", "standard", "jumprelu", "gated"])
def test_sae_is_that_of_a_cpu(architecture: str) -> None:
    (expected,) = train_saes(batches("cpu"), [recipe(architecture)])
    machine = Machine()
    with gpu_on(machine):
        (found,) = train_saes(batches(GPU), [recipe(architecture)], device=GPU)
        weights = {name: value.cpu() for name, value in found.sae.weights().items()}
    for name, value in expected.sae.weights().items():
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=1e-4)
    assert [row.l0 for row in found.log] == pytest.approx([row.l0 for row in expected.log], rel=1e-3)
    assert [row.dead_fraction for row in found.log] == [row.dead_fraction for row in expected.log]
    if architecture == "topk":
        assert max(row.dead_fraction for row in expected.log) > 0, (
            "no latent is dead, so the auxiliary loss is not tested"
        )
    assert not machine.waits.unordered


@counts_waits
@pytest.mark.parametrize("architecture", ["topk", "standard", "jumprelu", "gated"])
def test_waits_for_the_gpu_stay_few_and_do_not_grow_with_the_saes(architecture: str) -> None:
    def waits(n_saes: int, steps: int) -> int:
        machine = Machine()
        with machine.on():
            on_gpu = list(batches(GPU, steps))
            before = machine.waits.n_waits
            recipes = [recipe(architecture, seed) for seed in range(n_saes)]
            with pytest.raises(TrainingError, match="ended after") if steps < STEPS else contextlib.nullcontext():
                train_saes(on_gpu, recipes, device=GPU)
        return machine.waits.n_waits - before

    of_one, of_four = waits(1, STEPS) - waits(1, 10), waits(4, STEPS) - waits(4, 10)
    assert of_one / (STEPS - 10) <= 0.3
    assert (of_four - of_one) / 3 / (STEPS - 10) <= 0.15


def test_auxiliary_loss_of_watched_latents_is_that_of_the_dead_ones() -> None:
    generator = torch.Generator().manual_seed(1)
    pre, decoder = torch.randn(64, 20, generator=generator), torch.randn(20, 12, generator=generator)
    centred, error = torch.randn(64, 12, generator=generator), torch.randn(64, 12, generator=generator)
    is_dead = torch.rand(20, generator=generator) < 0.4
    for k in (2, 50):
        auxk = AuxK(k, 0.5, 100)
        exact = auxk(pre[:, is_dead], decoder[is_dead], centred, error)
        assert exact is not None
        some = auxk.of_some(pre, is_dead, decoder, centred, error)
        torch.testing.assert_close(some.loss, exact.loss)
        for name in ("W_enc", "W_dec", "b_enc"):
            torch.testing.assert_close(getattr(some, name)[is_dead], getattr(exact, name))
            assert not getattr(some, name)[~is_dead].any()


@pytest.mark.parametrize("why", ["none is dead", "the error does not vary"])
def test_auxiliary_loss_that_has_nothing_to_do_is_zero(why: str) -> None:
    pre, decoder, centred = torch.randn(8, 5), torch.randn(5, 3), torch.randn(8, 3)
    error = torch.zeros(8, 3) if why != "none is dead" else torch.randn(8, 3)
    is_dead = torch.full((5,), why != "none is dead")
    result = AuxK(2, 0.5, 100).of_some(pre, is_dead, decoder, centred, error)
    for value in (result.loss, result.W_enc, result.W_dec, result.b_enc):
        assert not value.any()
