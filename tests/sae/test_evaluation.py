"""Evaluation over a stream against the direct formulas."""

import pytest
import torch
from torch import Tensor

from saetui.sae import SAE
from saetui.sae.evaluation import VarianceUnexplained, evaluate
from tests.sae.conftest import D_IN, make_sae


def direct_fvu(y: Tensor, estimate: Tensor) -> float:
    y, estimate = y.double(), estimate.double()
    return float((y - estimate).square().sum() / (y - y.mean(dim=0)).square().sum())


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
def test_streamed_fvu_is_the_direct_one_far_from_the_origin(offset: float) -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(1000, 8, generator=generator, dtype=torch.float64) + offset
    estimate = y + 0.3 * torch.randn(1000, 8, generator=generator, dtype=torch.float64)
    stream = VarianceUnexplained()
    for rows in torch.randperm(1000, generator=generator).split(77):
        stream.add(y[rows], estimate[rows])
    stream.add(y[:0], estimate[:0])
    assert stream.n == 1000
    assert stream.value == pytest.approx(direct_fvu(y, estimate), rel=1e-9)


def test_fvu_of_the_mean_is_one_and_of_the_truth_zero() -> None:
    y = torch.randn(200, 5)
    for estimate, expected in ((y.mean(dim=0).expand(200, 5), 1.0), (y, 0.0)):
        stream = VarianceUnexplained()
        stream.add(y, estimate)
        assert stream.value == pytest.approx(expected, abs=1e-6)


def test_fvu_of_targets_that_do_not_vary_is_none() -> None:
    stream = VarianceUnexplained()
    assert stream.value is None
    stream.add(torch.full((10, 3), 2.5), torch.zeros(10, 3))
    assert stream.value is None


def test_several_saes_over_batches(activations: Tensor) -> None:
    saes: list[SAE] = [make_sae("topk"), make_sae("jumprelu")]
    for sae, measured in zip(saes, evaluate(saes, activations.split(10)), strict=True):
        z = sae.encode(activations)
        assert measured.n_tokens == 33
        assert measured.l0 == pytest.approx(float((z > 0).sum(dim=1).float().mean()))
        assert measured.dead_fraction == pytest.approx(float((~(z > 0).any(dim=0)).float().mean()))
        assert measured.fvu == pytest.approx(direct_fvu(activations, sae.decode(z)), rel=1e-5)
        assert torch.equal(measured.fires, (z > 0).sum(dim=0))


def test_without_batches_figures_are_empty() -> None:
    (measured,) = evaluate([make_sae("topk")], [torch.zeros(0, D_IN)])
    assert (measured.n_tokens, measured.l0, measured.dead_fraction, measured.fvu) == (0, 0.0, 1.0, None)
