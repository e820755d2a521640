"""Pursuit on a pretended GPU, where all tokens of a batch go in step: the codes of a CPU, and one wait per step."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from saetui.pursuit import Atoms, SparseCodes, gradient_pursuit, orthogonal_matching_pursuit, refit_codes
from saetui.pursuit.gradient import Variant
from saetui.pursuit.nnls import least_squares_in_step, nonnegative_least_squares
from saetui.pursuit.search import PursuitStep
from tests.pretended_cuda import Machine, counts_waits, gpu_on
from tests.pursuit.problems import KINDS, problem
from tests.pursuit.test_exactness import PLAIN, VARIANTS, assert_same, targets_between

GPU = "cuda:0"


@pytest.fixture
def gpu() -> Iterator[Machine]:
    with gpu_on() as machine:
        yield machine


def on_cpu(codes: Any) -> Any:
    """Codes with all their tensors on the CPU."""
    values = {field.name: getattr(codes, field.name) for field in fields(codes)}
    return replace(codes, **{name: value.cpu() for name, value in values.items() if isinstance(value, Tensor)})


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "doubled"])
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_same_as_with_all_products(gpu: Machine, kind: str, variant: Variant, precision: torch.dtype) -> None:
    signals, dictionary = problem(kind, 40, 1500, 48, seed=1, atoms=12)
    targets = targets_between(1, 20, 40, seed=2)
    codes = gradient_pursuit(signals.to(GPU, precision), dictionary.to(GPU, precision), targets.to(GPU), variant)
    tolerance = 1e-5 if precision == torch.float32 else 1e-12
    assert_same(on_cpu(codes), PLAIN[variant](signals, dictionary, targets), tolerance)


@pytest.mark.parametrize("seed", range(16))
def test_same_as_on_a_cpu(gpu: Machine, seed: int) -> None:
    """Any shape, several batches, targets of 0, signals that are zero or not numbers, every kind of finish."""
    draw = torch.Generator().manual_seed(seed)

    def between(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=draw))

    n, d = between(3, 30), between(2, 24)
    width = between(max(2, d // 2), 20 * d)
    signals, dictionary = problem(KINDS[seed % 3], n, width, d, seed=seed, atoms=between(1, 12))
    signals[0] = 0.0
    signals[1, 0] = torch.nan
    targets = targets_between(0, min(width, between(2, 20)), n, seed)
    targets[2] = 2
    method: Callable[..., SparseCodes]
    variants: tuple[Variant, ...] = VARIANTS
    variant = variants[seed % 2]
    finishes: list[dict[str, Any]] = [{}, {"polish": 3}, {"refit": "nnls"}]
    settings = finishes[seed % 3]
    if seed % 4 == 3:
        method, settings = orthogonal_matching_pursuit, {}
    else:
        method, settings = gradient_pursuit, {"variant": variant, **settings}
    settings["batch_size"] = between(2, 40)
    expected = method(signals, dictionary, targets, **settings)
    found = on_cpu(method(signals.to(GPU), dictionary.to(GPU), targets.to(GPU), **settings))
    assert torch.equal(found.chosen, expected.chosen)
    assert torch.equal(found.steps, expected.steps)
    assert torch.equal(found.indices, expected.indices)
    assert torch.equal(found.excluded, expected.excluded)
    torch.testing.assert_close(found.values, expected.values, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(found.residual_norms, expected.residual_norms, rtol=1e-6, atol=1e-9)
    assert found.work.plain == expected.work.plain


@pytest.mark.parametrize("variant", VARIANTS)
def test_of_many_equal_atoms_the_first_is_taken(gpu: Machine, variant: Variant) -> None:
    """More equal products than the candidates that are looked at first."""
    generator = torch.Generator().manual_seed(5)
    few = torch.nn.functional.normalize(torch.randn(6, 16, generator=generator), dim=1)
    dictionary = few.repeat(40, 1)
    signals = torch.rand(10, 6, generator=generator) @ few
    codes = on_cpu(gradient_pursuit(signals.to(GPU), dictionary.to(GPU), 3, variant))
    assert torch.equal(codes.chosen, gradient_pursuit(signals, dictionary, 3, variant).chosen)
    assert int(codes.chosen[:, 0].max()) < 6


def test_every_step_is_seen_with_the_tokens_that_took_it(gpu: Machine) -> None:
    signals, dictionary = problem("planted", 12, 60, 8, seed=3)
    targets = targets_between(1, 9, 12, seed=4)
    seen: dict[str, list[PursuitStep]] = {"cpu": [], GPU: []}
    for device, steps in seen.items():
        gradient_pursuit(signals.to(device), dictionary.to(device), targets.to(device), watch=steps.append)
    taken = {
        device: {(step.step, row): atom for step in steps for row, atom in zip(*pair(step), strict=True)}
        for device, steps in seen.items()
    }
    assert taken[GPU] == taken["cpu"]


def pair(step: PursuitStep) -> tuple[list[int], list[int]]:
    return step.rows.tolist(), step.chosen.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_least_squares_in_step_are_those_of_one_by_one(seed: int) -> None:
    """Also where columns depend on each other, are not allowed, or start from weights that are not 0."""
    generator = torch.Generator().manual_seed(seed)
    columns = torch.randn(60, 9, 5, generator=generator, dtype=torch.float64)
    if seed % 2:
        columns[:, :, 3] = columns[:, :, 1]
        columns[30:, :, 4] = columns[30:, :, 0] + columns[30:, :, 2]
    signals = torch.randn(60, 9, generator=generator, dtype=torch.float64)
    gram, products = columns.mT @ columns, (columns.mT @ signals[:, :, None]).squeeze(2)
    allowed = torch.rand(60, 5, generator=generator) < 0.8
    start = torch.rand(60, 5, generator=generator, dtype=torch.float64) * (seed > 2)
    expected = nonnegative_least_squares(gram, products, allowed, start)
    torch.testing.assert_close(least_squares_in_step(gram, products, allowed, start), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", ["nnls", "gradient"])
def test_refit_is_that_of_a_cpu(gpu: Machine, method: Any) -> None:
    signals, dictionary = problem("planted", 20, 80, 12, seed=6)
    codes = gradient_pursuit(signals, dictionary, 6)
    rough = codes.values * (1 + 0.3 * torch.rand(codes.values.shape, generator=torch.Generator().manual_seed(0)))
    expected = refit_codes(signals, dictionary, codes.indices, rough, method)
    found = on_cpu(refit_codes(signals.to(GPU), dictionary.to(GPU), codes.indices.to(GPU), rough.to(GPU), method))
    torch.testing.assert_close(found.values, expected.values, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(found.residual_norms, expected.residual_norms, rtol=1e-6, atol=1e-9)


def test_padded_codes_are_decoded(gpu: Machine) -> None:
    """Padding has index -1, with which a lookup on a GPU would end the process."""
    signals, dictionary = problem("planted", 12, 60, 8, seed=8)
    codes = gradient_pursuit(signals.to(GPU), dictionary.to(GPU), targets_between(1, 9, 12, seed=9).to(GPU))
    assert bool((codes.indices < 0).any())
    decoded = codes.decode(dictionary.to(GPU)).cpu()
    torch.testing.assert_close((signals - decoded).norm(dim=1), codes.residual_norm.cpu(), rtol=1e-6, atol=1e-9)


@counts_waits
@pytest.mark.parametrize(
    ("pursue", "most"), [(gradient_pursuit, 1.0), (orthogonal_matching_pursuit, 2.0)], ids=["gradient", "orthogonal"]
)
def test_waits_per_step(gpu: Machine, pursue: Callable[..., SparseCodes], most: float) -> None:
    """Tokens of the same and of different targets; what a call waits for once is left out."""
    signals, dictionary = problem("planted", 64, 300, 24, seed=7)
    atoms = Atoms(dictionary.float().to(GPU))

    def waits(targets: Tensor) -> int:
        gpu.waits.clear()
        pursue(signals.float().to(GPU), atoms, targets.to(GPU))
        return gpu.waits.n_waits

    once = waits(torch.full((64,), 2))
    assert (waits(torch.full((64,), 14)) - once) / 12 <= most
    assert (waits(targets_between(2, 14, 64, seed=1)) - once) / 12 <= most
    assert not gpu.waits.unordered
