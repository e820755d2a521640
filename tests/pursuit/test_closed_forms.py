"""Pursuits whose result is known by hand."""

import pytest
import torch

from saetui.pursuit import SparseCodes, gradient_pursuit, orthogonal_matching_pursuit
from saetui.pursuit.gradient import Variant
from tests.pursuit.problems import problem

BOTH: tuple[Variant, ...] = ("persistent", "dark_matter")
PLANE = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
Y = torch.tensor([[2.0, 1.0]])


def rotation(d: int) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(d, d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)).Q


@pytest.mark.parametrize("variant", BOTH)
def test_orthonormal_atoms_are_taken_by_size_in_as_many_steps(variant: Variant) -> None:
    dictionary = rotation(20)
    weights = torch.zeros(1, 20, dtype=torch.float64)
    weights[0, [4, 11, 7]] = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    codes = gradient_pursuit(weights @ dictionary, dictionary, 3, variant)
    assert codes.chosen.tolist() == [[4, 11, 7]]
    torch.testing.assert_close(codes.to_dense(20), weights, rtol=0, atol=1e-12)
    torch.testing.assert_close(
        codes.residual_norms, torch.tensor([[14.0, 5.0, 1.0, 0.0]], dtype=torch.float64).sqrt(), rtol=0, atol=1e-12
    )


def test_a_signal_that_is_explained_takes_no_more_atoms() -> None:
    dictionary = rotation(20).float()
    codes = gradient_pursuit(2 * dictionary[[3]] + dictionary[[5]], dictionary, 10)
    assert codes.steps.tolist() == [2]
    assert codes.indices.tolist() == [[3, 5]]
    assert codes.residual_norms.shape == (1, 11)
    assert float(codes.residual_norms[0, 2:].max()) < 1e-6


@pytest.mark.parametrize("variant", BOTH)
def test_two_atoms_in_the_plane_have_weights_by_hand(variant: Variant) -> None:
    """Products tie at 2, so the first atom; then one step of length 1 to (2, 0.8), which leaves 0.36."""
    codes = gradient_pursuit(Y, PLANE, 2, variant)
    assert codes.chosen.tolist() == [[0, 1]]
    torch.testing.assert_close(codes.to_dense(2), torch.tensor([[2.0, 0.8]]))
    torch.testing.assert_close(codes.residual_norms.square(), torch.tensor([[5.0, 1.0, 0.36]]))


def test_two_atoms_in_the_plane_refitted_leave_nothing() -> None:
    for codes in (gradient_pursuit(Y, PLANE, 2, refit="nnls"), orthogonal_matching_pursuit(Y, PLANE, 2)):
        torch.testing.assert_close(codes.to_dense(2), torch.tensor([[1.25, 1.25]]))
        assert float(codes.residual_norm) < 1e-6
    polished = [float(gradient_pursuit(Y, PLANE, 2, polish=steps).residual_norm) for steps in (0, 1, 5, 60)]
    assert polished == sorted(polished, reverse=True)
    assert polished[-1] < 1e-3


def empty(codes: SparseCodes, n: int) -> bool:
    return codes.indices.shape == (n, 0) and not int(codes.l0.sum())


def test_where_no_atom_helps_codes_are_empty() -> None:
    dictionary = torch.eye(4)[:3]
    signals = torch.stack([-dictionary[0], torch.eye(4)[3], torch.zeros(4)])
    for codes in (gradient_pursuit(signals, dictionary, 3), orthogonal_matching_pursuit(signals, dictionary, 3)):
        assert empty(codes, 3)
        assert codes.steps.tolist() == [0, 0, 0]
        assert codes.residual_norm.tolist() == [1.0, 1.0, 0.0]
        assert codes.to_dense(3).shape == (3, 3)
        assert torch.equal(codes.decode(dictionary), torch.zeros(3, 4))


def test_the_authors_step_on_a_signal_that_no_atom_helps_gives_no_nan() -> None:
    signals = torch.stack([-PLANE[0], torch.zeros(2), PLANE[1]])
    codes = gradient_pursuit(signals, PLANE, 2, "dark_matter")
    assert bool(torch.isfinite(codes.values).all())
    assert codes.l0.tolist() == [0, 0, 1]


@pytest.mark.parametrize("variant", BOTH)
def test_of_an_atom_that_is_there_twice_the_first_is_taken(variant: Variant) -> None:
    signals, dictionary = problem("doubled", 20, 60, 16, seed=3)
    codes = gradient_pursuit(signals, dictionary, 8, variant)
    assert bool(torch.isfinite(codes.values).all())
    assert float(codes.residual_norms.diff(dim=1).max()) <= 1e-9
    assert int((codes.chosen[:, 0] >= 30).sum()) == 0, "of two that are equal the first is taken"


def test_more_atoms_than_dimensions_with_doubles_refitted() -> None:
    signals, dictionary = problem("doubled", 20, 24, 6, seed=4)
    codes = orthogonal_matching_pursuit(signals, dictionary, 24)
    assert bool(torch.isfinite(codes.values).all())
    assert float(codes.residual_norms.diff(dim=1).max()) <= 1e-9


@pytest.mark.slow
def test_each_signal_has_its_own_target() -> None:
    signals, dictionary = problem("planted", 30, 200, 32, seed=11)
    targets = torch.arange(30)
    together = gradient_pursuit(signals, dictionary, targets)
    assert int(together.l0[0]) == 0
    assert bool((together.steps <= targets).all())
    for row in range(1, 30):
        alone = gradient_pursuit(signals[[row]], dictionary, row)
        torch.testing.assert_close(alone.to_dense(200), together.to_dense(200)[[row]], rtol=0, atol=1e-9)
        torch.testing.assert_close(alone.residual_norms[0], together.residual_norms[row, : row + 1])
        torch.testing.assert_close(together.residual_norms[row, row:].unique().numel(), 1)


def test_every_atom_may_be_needed() -> None:
    dictionary = rotation(12)
    signals = torch.rand(5, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64) @ dictionary
    codes = gradient_pursuit(signals, dictionary, 12)
    assert float(codes.residual_norm.max()) < 1e-9
    assert codes.l0.tolist() == [12] * 5


def test_atoms_of_any_norm_are_taken_by_direction() -> None:
    signals, dictionary = problem("planted", 30, 150, 24, seed=12)
    norms = torch.rand(150, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 5 + 0.1
    unit = gradient_pursuit(signals, dictionary, 6)
    scaled = gradient_pursuit(signals, dictionary * norms, 6)
    assert torch.equal(unit.indices, scaled.indices)
    torch.testing.assert_close(scaled.decode(dictionary * norms), unit.decode(dictionary))
    raw = gradient_pursuit(signals, dictionary * norms, 1, "dark_matter")
    assert torch.equal(raw.chosen[:, 0], (signals @ (dictionary * norms).T).argmax(1))
