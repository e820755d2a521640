"""New weights on the atoms that an encoder chose."""

import pytest
import torch
from torch import Tensor

from saetui.pursuit import refit_codes
from tests.pursuit.problems import problem
from tests.pursuit.test_orthogonal import best_weights


@pytest.fixture
def encoded() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Signals, a dictionary with rows of any norm, and codes of up to five atoms with shrunken weights."""
    signals, dictionary = problem("planted", 25, 80, 12, seed=31, atoms=5)
    dictionary = dictionary * torch.linspace(0.5, 3, 80, dtype=torch.float64)[:, None]
    products = (signals @ dictionary.T).clamp(min=0).topk(5, dim=1)
    values = 0.2 * products.values
    values[::4, 3:] = 0.0
    return signals, dictionary, products.indices, values


def test_refitted_weights_are_the_best_non_negative_ones(encoded: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    signals, dictionary, indices, values = encoded
    codes = refit_codes(signals, dictionary, indices, values)
    for row in range(25):
        own = indices[row][values[row] > 0]
        expected = torch.zeros(80, dtype=torch.float64)
        expected[own] = best_weights(signals[row], dictionary[own])
        torch.testing.assert_close(codes.to_dense(80)[row], expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(codes.residual_norm, (signals - codes.decode(dictionary)).norm(dim=1))
    given = torch.zeros(25, 80, dtype=torch.float64).scatter_add_(1, indices, values)
    torch.testing.assert_close(codes.residual_norms[:, 0], signals.norm(dim=1))
    torch.testing.assert_close(codes.residual_norms[:, 1], (signals - given @ dictionary).norm(dim=1))


def test_gradient_steps_come_between(encoded: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    signals, dictionary, indices, values = encoded
    stepped = refit_codes(signals, dictionary, indices, values, "gradient", steps=8)
    assert stepped.residual_norms.shape == (25, 10)
    assert float(stepped.residual_norms[:, 1:].diff(dim=1).max()) <= 1e-9
    best = refit_codes(signals, dictionary, indices, values)
    assert bool((best.residual_norm <= stepped.residual_norm + 1e-9).all())
    assert bool((stepped.residual_norm < stepped.residual_norms[:, 1]).all())


def test_rows_that_are_not_finite_are_left_out(encoded: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    signals, dictionary, indices, values = encoded
    whole = refit_codes(signals, dictionary, indices, values)
    signals[3, 0] = torch.nan
    calls: list[tuple[int, int]] = []
    codes = refit_codes(signals, dictionary, indices, values, progress=lambda done, total: calls.append((done, total)))
    assert codes.excluded.nonzero().flatten().tolist() == [3]
    assert int(codes.l0[3]) == 0
    assert torch.equal(codes.residual_norms[4:], whole.residual_norms[4:])
    assert calls[-1] == (24, 24)


def test_codes_that_do_not_fit_are_refused(encoded: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    signals, dictionary, indices, values = encoded
    with pytest.raises(ValueError, match=r"both must be \(25, L\)"):
        refit_codes(signals, dictionary, indices[:, :3], values)
    with pytest.raises(ValueError, match="whole numbers"):
        refit_codes(signals, dictionary, indices.double(), values)
    with pytest.raises(ValueError, match="1 values are negative"):
        refit_codes(
            signals,
            dictionary,
            indices,
            values.index_put((torch.tensor(0), torch.tensor(0)), torch.tensor(-1.0).double()),
        )
    with pytest.raises(ValueError, match="atoms 0 to 79"):
        refit_codes(signals, dictionary, indices + 60, values)
    with pytest.raises(ValueError, match="'nnls' or 'gradient'"):
        refit_codes(signals, dictionary, indices, values, "omp")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="steps is 0"):
        refit_codes(signals, dictionary, indices, values, "gradient", steps=0)
