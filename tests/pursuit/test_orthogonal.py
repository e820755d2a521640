"""Non-negative orthogonal matching pursuit and best weights, against all subsets of tiny dictionaries."""

from itertools import combinations

import pytest
import torch
from torch import Tensor

from saetui.pursuit import gradient_pursuit, orthogonal_matching_pursuit, refit_codes
from saetui.pursuit.nnls import nonnegative_least_squares
from tests.pursuit.problems import KINDS, problem


def best_weights(signal: Tensor, atoms: Tensor) -> Tensor:
    """The non-negative weights of least residual, by solving for every subset of the atoms."""
    best, left = torch.zeros(len(atoms), dtype=signal.dtype), float(signal.square().sum())
    for size in range(1, len(atoms) + 1):
        for subset in combinations(range(len(atoms)), size):
            chosen = atoms[list(subset)]
            solution = torch.linalg.lstsq(chosen.T, signal[:, None], driver="gelsd").solution[:, 0]
            residual = float((signal - solution @ chosen).square().sum())
            if bool((solution >= 0).all()) and residual < left - 1e-12:
                left = residual
                best = torch.zeros_like(best).index_put_((torch.tensor(subset),), solution)
    return best


def brute_force(signal: Tensor, dictionary: Tensor, target: int) -> tuple[list[int], Tensor, list[float]]:
    """Atoms in the order taken, their weights, and the residual's norm after every step."""
    taken: list[int] = []
    weights = torch.zeros(0, dtype=signal.dtype)
    norms = [float(signal.norm())]
    while len(taken) < target:
        products = dictionary @ (signal - weights @ dictionary[taken])
        products[taken] = -torch.inf
        atom = int(products.argmax())
        if float(products[atom]) <= 1e-6 * norms[0]:
            break
        taken.append(atom)
        weights = best_weights(signal, dictionary[taken])
        norms.append(float((signal - weights @ dictionary[taken]).norm()))
    return taken, weights, norms


@pytest.mark.parametrize("kind", ["gaussian", "planted", "clustered", "shared"])
def test_the_same_as_by_brute_force(kind: str) -> None:
    signals, dictionary = problem(kind, 12, 14, 7, seed=21, atoms=4)
    codes = orthogonal_matching_pursuit(signals, dictionary, 5)
    for row, signal in enumerate(signals):
        taken, weights, norms = brute_force(signal, dictionary, 5)
        assert codes.chosen[row].tolist() == taken + [-1] * (5 - len(taken))
        dense = torch.zeros(14, dtype=torch.float64).index_put_((torch.tensor(taken, dtype=torch.long),), weights)
        torch.testing.assert_close(codes.to_dense(14)[row], dense, rtol=0, atol=1e-9)
        torch.testing.assert_close(
            codes.residual_norms[row, : len(norms)], torch.tensor(norms, dtype=torch.float64), rtol=0, atol=1e-9
        )


@pytest.mark.parametrize("kind", KINDS)
def test_best_weights_are_those_of_the_best_subset(kind: str) -> None:
    signals, dictionary = problem(kind, 30, 6, 5, seed=22)
    gram = dictionary @ dictionary.T
    generator = torch.Generator().manual_seed(23)
    start = torch.rand(30, 6, generator=generator, dtype=torch.float64) * (torch.rand(30, 6, generator=generator) > 0.5)
    allowed = torch.ones(30, 6, dtype=torch.bool)
    weights = nonnegative_least_squares(gram.expand(30, 6, 6), signals @ dictionary.T, allowed, start)
    assert float(weights.min()) >= 0
    left = (signals - weights @ dictionary).norm(dim=1)
    best = torch.stack([(signal - best_weights(signal, dictionary) @ dictionary).norm() for signal in signals])
    torch.testing.assert_close(left, best, rtol=0, atol=1e-9)


def test_columns_that_are_not_allowed_stay_zero() -> None:
    signals, dictionary = problem("planted", 10, 6, 5, seed=24)
    allowed = torch.rand(10, 6, generator=torch.Generator().manual_seed(1)) > 0.5
    start = torch.ones(10, 6, dtype=torch.float64)
    gram = (dictionary @ dictionary.T).expand(10, 6, 6)
    weights = nonnegative_least_squares(gram, signals @ dictionary.T, allowed, start)
    assert not bool(weights[~allowed].any())


def test_best_weights_leave_less_than_gradient_steps_on_the_same_atoms() -> None:
    signals, dictionary = problem("clustered", 60, 400, 24, seed=25)
    gradient = gradient_pursuit(signals, dictionary, 10)
    refitted = gradient_pursuit(signals, dictionary, 10, refit="nnls")
    assert torch.equal(gradient.chosen, refitted.chosen)
    assert bool((refitted.residual_norm <= gradient.residual_norm + 1e-12).all())
    assert bool((refitted.residual_norm < gradient.residual_norm - 1e-6).any())
    orthogonal = orthogonal_matching_pursuit(signals, dictionary, 10)
    assert float(orthogonal.residual_norms.diff(dim=1).max()) <= 1e-12
    again = refit_codes(signals, dictionary, orthogonal.indices, orthogonal.values)
    torch.testing.assert_close(again.residual_norm, orthogonal.residual_norm, rtol=0, atol=1e-9)
