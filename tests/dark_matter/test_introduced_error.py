"""The decomposition against parts that were put in."""

import pytest
import torch

from saetui.dark_matter import ErrorBatch
from saetui.dark_matter.introduced_error import (
    introduced_error_grid,
    introduced_error_of,
    latent_activations,
    random_sparse_activations,
    tracking,
)
from saetui.sae.architectures.jumprelu import JumpReLUSAE
from saetui.sae.architectures.topk import TopKSAE

ACTIVATIONS = random_sparse_activations(4000, 24, decay=1.0, seed=1)


def test_random_activations_are_sparse_sums_of_unit_rows() -> None:
    made = random_sparse_activations(500, 8, width=40, l0=3, scale=2.0)
    torch.testing.assert_close(made.decoder.norm(dim=1), torch.ones(40))
    assert made.values.mean() == pytest.approx(2.0, rel=0.1)
    dense = torch.zeros(500, 40).scatter_add_(1, made.indices, made.values)
    torch.testing.assert_close(made.decode(), dense @ made.decoder)


def test_the_weakest_latents_go_first() -> None:
    made = random_sparse_activations(1, 4, width=9, l0=5)
    made.values[:] = torch.tensor([[3.0, 1.0, 0.0, 4.0, 2.0]])
    assert made.without_weakest(0.0).tolist() == [[3, 1, 0, 4, 2]]
    assert made.without_weakest(0.25).tolist() == [[3, 0, 0, 4, 2]]
    assert made.without_weakest(0.5).tolist() == [[3, 0, 0, 4, 0]]
    assert not made.without_weakest(1.0).any()


def test_introduced_noise_is_found_one_for_one() -> None:
    cells = introduced_error_grid(ACTIVATIONS, dense_deviations=[0.0], removed_shares=[0.0], n_replicates=20)
    found = tracking([cell.nonlinear.value or 0 for cell in cells], [cell.true_nonlinear for cell in cells])
    assert found is not None
    assert found.slope == pytest.approx(1, abs=0.03)
    assert found.correlation > 0.999
    assert all(abs(cell.linear.value or 0) < 0.01 for cell in cells)


def test_the_whole_grid_tracks_both_parts() -> None:
    cells = introduced_error_grid(ACTIVATIONS, n_replicates=2)
    assert len(cells) == 75
    nonlinear = tracking([cell.nonlinear.value or 0 for cell in cells], [cell.true_nonlinear for cell in cells])
    linear = tracking([cell.linear.value or 0 for cell in cells], [cell.true_linear for cell in cells])
    assert nonlinear is not None
    assert linear is not None
    assert nonlinear.slope == pytest.approx(1, abs=0.05)
    assert nonlinear.correlation > 0.85
    assert linear.correlation > 0.9
    # Dense noise is only told from sparse features where these vary little, so the linear part comes out too small.
    assert 0.3 < linear.slope < 1
    # More noise of one kind never gives less of it, all else equal.
    by_cell = {(c.dense_deviation, c.removed_share, c.introduced_deviation): c for c in cells}
    for sigma in (1.0, 2.0, 3.0, 4.0):
        more, less = by_cell[sigma, 0.0, 1.0], by_cell[sigma - 1, 0.0, 1.0]
        assert more.linear.value > less.linear.value  # type: ignore[operator]


def test_latents_of_an_sae_are_the_activations_of_its_grid() -> None:
    """Unit rows in an orthonormal basis: noise as loud as the sum of the latents has its variance."""
    sae = TopKSAE(W_enc=torch.eye(4), W_dec=torch.eye(4), b_dec=torch.zeros(4), b_enc=torch.zeros(4), latents_kept=2)
    x = torch.rand(6000, 4, generator=torch.Generator().manual_seed(0)) + 0.1
    made = latent_activations(sae, x)
    torch.testing.assert_close(made.decode(), sae.reconstruct(x))
    places = torch.arange(len(x))
    tokens = ErrorBatch(x, {"sae": sae.reconstruct(x)}, places // 20, places)
    cells = introduced_error_of(sae, tokens)
    loudest = [cell for cell in cells if cell.dense_deviation == cell.removed_share == 0][-1]
    assert loudest.introduced_deviation == pytest.approx(float(made.decode().var(dim=0).mean().sqrt()))
    assert loudest.true_nonlinear == pytest.approx(1, abs=0.05)
    assert loudest.nonlinear.value == pytest.approx(1, abs=0.05)


def test_an_sae_that_always_says_the_same_has_no_grid() -> None:
    dead = torch.full((4,), -100.0)
    sae = JumpReLUSAE(W_enc=torch.eye(4), W_dec=torch.eye(4), b_dec=torch.ones(4), b_enc=dead, threshold=torch.zeros(4))
    x = torch.rand(100, 4)
    tokens = ErrorBatch(x, {"sae": sae.reconstruct(x)}, torch.arange(100), torch.arange(100))
    assert introduced_error_of(sae, tokens) == []


def test_without_variation_nothing_is_tracked() -> None:
    assert tracking([1.0, 2.0], [3.0, 3.0]) is None


def test_shares_and_deviations_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        introduced_error_grid(ACTIVATIONS, dense_deviations=[-1.0])
    with pytest.raises(ValueError, match="shares between 0 and 1"):
        introduced_error_grid(ACTIVATIONS, removed_shares=[1.5])
