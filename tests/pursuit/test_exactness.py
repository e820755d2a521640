"""Bounds rule out atoms, and nothing of the result changes by it."""

import pytest
import torch
from torch import Tensor

from saetui.pursuit import Atoms, SparseCodes, gradient_pursuit
from saetui.pursuit.gradient import Variant
from tests.pursuit import plain_steps
from tests.pursuit.plain_steps import Plain
from tests.pursuit.problems import KINDS, problem

PLAIN = {"persistent": plain_steps.persistent, "dark_matter": plain_steps.dark_matter}
VARIANTS: tuple[Variant, ...] = ("persistent", "dark_matter")


def assert_same(codes: SparseCodes, plain: Plain, tolerance: float) -> None:
    """The same atoms at every step, but where the plain one was ahead by rounding only; then the same weights."""
    close = (plain.lead < tolerance).cumsum(1) > 0
    steps = codes.chosen.shape[1]
    assert torch.equal(codes.chosen[~close[:, :steps]], plain.chosen[:, :steps][~close[:, :steps]])
    clear = ~close.any(1)
    assert int(clear.sum()) >= 0.8 * len(clear)
    width = plain.weights.shape[1]
    torch.testing.assert_close(
        codes.to_dense(width)[clear].double(), plain.weights[clear], rtol=0, atol=max(10 * tolerance, 1e-9)
    )
    torch.testing.assert_close(
        codes.residual_norms[clear].double(), plain.residual_norms[clear], rtol=1e-3, atol=max(tolerance, 1e-9)
    )


def targets_between(low: int, high: int, n: int, seed: int) -> Tensor:
    return torch.randint(low, high + 1, (n,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "doubled"])
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_same_as_with_all_products(kind: str, variant: Variant, precision: torch.dtype) -> None:
    signals, dictionary = problem(kind, 40, 3000, 48, seed=1, atoms=12)
    targets = targets_between(1, 20, 40, seed=2)
    codes = gradient_pursuit(signals.to(precision), dictionary.to(precision), targets, variant)
    assert_same(codes, PLAIN[variant](signals, dictionary, targets), 1e-5 if precision == torch.float32 else 1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_same_on_problems_of_any_shape(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)

    def between(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=draw))

    n, d = between(1, 30), between(2, 40)
    width = between(max(2, d // 2), 60 * d)
    kind = KINDS[between(0, len(KINDS) - 1)]
    signals, dictionary = problem(kind, n, width, d, seed=seed, atoms=between(1, 12))
    signals = signals * 10.0 ** between(-6, 6)
    targets = targets_between(0, min(width, between(1, 24)), n, seed)
    variant = VARIANTS[seed % 2]
    plain = PLAIN[variant](signals, dictionary, targets) if int(targets.max()) else None
    memory = [0, 8 * (width + 64) * between(1, width), None][between(0, 2)]
    codes = gradient_pursuit(
        signals,
        Atoms(dictionary, fold=variant == "persistent", memory=memory),
        targets,
        variant,
        batch_size=between(1, 40),
    )
    assert bool(torch.isfinite(codes.values).all())
    assert bool(torch.isfinite(codes.residual_norms).all())
    assert bool((codes.l0 <= targets).all())
    left = (signals - codes.decode(dictionary)).norm(dim=1)
    torch.testing.assert_close(codes.residual_norm, left, rtol=1e-6, atol=1e-12 * float(signals.norm()))
    if plain is None:
        return
    scale = signals.norm(dim=1)
    # Where products are equal, either atom is right, and paths part; the first step parts only for equal products.
    clear = ~(plain.lead < 1e-9 * scale[:, None]).any(1)
    steps = codes.chosen.shape[1]
    assert torch.equal(codes.chosen[clear], plain.chosen[clear, :steps])
    torch.testing.assert_close(
        codes.to_dense(width)[clear] / scale[clear, None],
        plain.weights[clear] / scale[clear, None],
        rtol=0,
        atol=1e-9,
    )


def test_most_products_are_not_taken_and_few_atoms_looked_at() -> None:
    signals, dictionary = problem("planted", 300, 4096, 64, seed=5, atoms=12)
    codes = gradient_pursuit(signals.float(), dictionary.float(), 20)
    assert codes.work.plain == int(codes.steps.sum()) == 300 * 20
    # 300 products of signals, and one of half of the atoms with each other.
    assert codes.work.products <= 300 + 4097 / 2 + 60
    assert codes.work.saved > 0.5
    assert codes.work.candidates < 8 * codes.work.plain
    assert codes.work.rows_added < 8 * codes.work.plain


def test_atoms_keep_their_products_between_calls() -> None:
    signals, dictionary = problem("planted", 60, 2048, 32, seed=6)
    atoms = Atoms(dictionary.float())
    first = gradient_pursuit(signals.float(), atoms, 8)
    second = gradient_pursuit(signals.float(), atoms, 8)
    assert torch.equal(first.indices, second.indices)
    assert second.work.products == 60
    assert first.work.products == 60 + atoms.kept


@pytest.mark.parametrize("memory", [0, 40 * 2048 * 4, None])
@pytest.mark.parametrize("variant", VARIANTS)
def test_little_memory_changes_the_work_only(memory: int | None, variant: Variant) -> None:
    signals, dictionary = problem("clustered", 50, 2000, 32, seed=7)
    plain = PLAIN[variant](signals, dictionary, torch.full((50,), 12))
    atoms = Atoms(dictionary.float(), fold=variant == "persistent", memory=memory)
    codes = gradient_pursuit(signals.float(), atoms, 12, variant)
    assert_same(codes, plain, 1e-5)
    assert codes.work.products <= codes.work.plain + 60


def test_the_largest_product_is_found_whatever_lags() -> None:
    """Signals along one atom make its weight large, and every later change of it moves many products."""
    _, dictionary = problem("shared", 1, 6000, 40, seed=8)
    generator = torch.Generator().manual_seed(9)
    signals = 30 * dictionary[torch.arange(32)] + torch.randn(32, 40, generator=generator, dtype=torch.float64)
    targets = torch.full((32,), 24)
    assert_same(
        gradient_pursuit(signals.float(), dictionary.float(), 24),
        plain_steps.persistent(signals, dictionary, targets),
        1e-4,
    )


def test_atoms_that_leave_may_return() -> None:
    signals, dictionary = problem("sums", 120, 1500, 32, seed=60)
    plain = plain_steps.dark_matter(signals, dictionary, torch.full((120,), 24))
    codes = gradient_pursuit(signals.float(), dictionary.float(), 24, "dark_matter")
    left = [
        set(taken) - set(kept) - {-1} for taken, kept in zip(codes.chosen.tolist(), codes.indices.tolist(), strict=True)
    ]
    assert sum(map(len, left)) > 10
    assert_same(codes, plain, 1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("variant", VARIANTS)
def test_same_on_a_gpu(variant: Variant) -> None:
    signals, dictionary = problem("planted", 64, 3000, 48, seed=10)
    codes = gradient_pursuit(signals.float().cuda(), dictionary.float().cuda(), 12, variant)
    assert codes.indices.is_cuda
    plain = PLAIN[variant](signals, dictionary, torch.full((64,), 12))
    assert torch.equal(codes.chosen.cpu()[(plain.lead > 1e-5).all(1)], plain.chosen[(plain.lead > 1e-5).all(1)])


def test_coarse_matrix_products_change_nothing() -> None:
    signals, dictionary = problem("planted", 40, 2000, 32, seed=11)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        codes = gradient_pursuit(signals.float(), dictionary.float(), 12)
    finally:
        torch.set_float32_matmul_precision(before)
    assert_same(codes, plain_steps.persistent(signals, dictionary, torch.full((40,), 12)), 1e-5)
