"""SAEs of error components: the sparse one is learned, the noise is not."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch
from jaxtyping import Int
from torch import Tensor

from saetui.dark_matter import ErrorBatch, LinearErrorFit, decompose_errors, split_contexts
from saetui.dark_matter.component_saes import component_rows, train_component_saes
from saetui.sae.training.initialization import random_unit_rows

CONTEXTS, LENGTH, D, K = 80, 64, 16, 2
SPLIT = split_contexts(CONTEXTS)


class Planted:
    """Sparse activations, of which the error holds a third, and noise."""

    def __init__(self, noise: float) -> None:
        generator = torch.Generator().manual_seed(0)
        n = CONTEXTS * LENGTH
        directions = random_unit_rows(2 * D, D, 1)
        chosen = torch.randint(2 * D, (n, K), generator=generator)
        self.context = torch.arange(CONTEXTS).repeat_interleave(LENGTH)
        self.x = (directions[chosen] * (1 + torch.rand(n, K, 1, generator=generator))).sum(dim=1)
        self.error = self.x / 3 + noise * torch.randn(n, D, generator=generator)

    def read(self, contexts: Int[Tensor, " m"]) -> Iterable[ErrorBatch]:
        rows = torch.isin(self.context, contexts)
        yield ErrorBatch(
            self.x[rows],
            {"other": 0.5 * self.x[rows], "sae": (self.x - self.error)[rows]},
            self.context[rows],
            self.context[rows],
        )

    def fit(self) -> LinearErrorFit:
        return decompose_errors(self.read, SPLIT, n_replicates=5).fits["sae"]


@pytest.mark.slow
def test_the_sparse_part_is_learned_and_the_noise_is_not() -> None:
    planted, steps = Planted(noise=0.2), []
    trained = train_component_saes(
        planted.read,
        planted.fit(),
        SPLIT,
        k=K,
        width=4 * D,
        steps=120,
        batch_size=128,
        lr=0.01,
        n_replicates=30,
        on_step=lambda component, step: steps.append((component, step.step)),
    )
    saes = trained.saes
    assert list(saes) == ["activation", "error", "linear", "nonlinear"]
    assert saes["linear"].fvu.value < 0.3 < 0.5 < saes["nonlinear"].fvu.value  # type: ignore[operator]
    assert saes["linear"].fvu.value == pytest.approx(saes["activation"].fvu.value, abs=0.05)
    ratio = trained.nonlinear_to_linear
    assert 2 < ratio.low < ratio.value < ratio.high  # type: ignore[operator]
    assert saes["nonlinear"].mean_square == pytest.approx(D * 0.2**2, rel=0.1)
    assert saes["linear"].n_tokens == len(SPLIT.test) * LENGTH
    assert 0 <= saes["linear"].dead_fraction < 0.5
    assert (steps[0], steps[-1]) == (("activation", 10), ("nonlinear", 120))


def test_an_absent_part_has_no_sae() -> None:
    planted = Planted(noise=0.0)
    trained = train_component_saes(planted.read, planted.fit(), SPLIT, k=1, width=8, steps=1, n_replicates=2)
    assert list(trained.saes) == ["activation", "error", "linear"]
    assert trained.nonlinear_to_linear.value is None


def test_components_add_up() -> None:
    planted = Planted(noise=0.3)
    fit = planted.fit()
    (batch,) = planted.read(torch.tensor([3, 5]))
    error, linear, nonlinear = (component_rows(batch, fit, c) for c in ("error", "linear", "nonlinear"))
    torch.testing.assert_close(linear + nonlinear, error)
    torch.testing.assert_close(error, planted.error[torch.isin(planted.context, torch.tensor([3, 5]))])


def test_the_batches_must_hold_the_sae_that_was_fitted() -> None:
    planted = Planted(noise=0.3)
    (batch,) = planted.read(torch.tensor([3]))
    with pytest.raises(ValueError, match="the batches hold other, sae, but not another"):
        component_rows(batch, replace(planted.fit(), name="another"), "error")
