"""Products between atoms: what is kept, what it may cost, and when it is used again."""

import gc
import weakref

import pytest
import torch
from torch import Tensor

from saetui.pursuit import Atoms, gradient_pursuit, orthogonal_matching_pursuit
from saetui.pursuit.atoms import BLOCK
from saetui.pursuit.batch import Batch
from saetui.pursuit.row_sums import add_rows
from saetui.pursuit.screen import AtomScreen
from tests.pursuit.problems import problem


def expected_extremes(dictionary: Tensor) -> Tensor:
    products = dictionary @ dictionary.T
    products.fill_diagonal_(0)
    blocks = torch.nn.functional.pad(products, (0, -len(dictionary) % BLOCK)).view(len(dictionary), -1, BLOCK)
    return torch.stack([blocks.amax(2), -blocks.amin(2)], 1)


def test_kept_products_are_products() -> None:
    _, dictionary = problem("clustered", 1, 1000, 24, seed=51)
    some, all_ = Atoms(dictionary), Atoms(dictionary)
    wanted = torch.tensor([7, 900, 3, 7, 999])
    places = some.keep(wanted)
    assert some.kept == 4
    torch.testing.assert_close(some.table[places, :1000], dictionary[wanted] @ dictionary.T)
    all_.complete()
    assert all_.kept == 1000
    torch.testing.assert_close(all_.table[:, :1000], dictionary @ dictionary.T)
    torch.testing.assert_close(all_.extremes.view(1000, 2, -1), expected_extremes(dictionary))
    torch.testing.assert_close(some.extremes.view(1000, 2, -1)[places], expected_extremes(dictionary)[wanted])
    assert all_.products_taken == 1001 / 2


def test_memory_bounds_what_is_kept() -> None:
    _, dictionary = problem("gaussian", 1, 1000, 24, seed=52)
    atoms = Atoms(dictionary, memory=3 * 1024 * 8 + 5)
    assert atoms.keep(torch.tensor([5, 6, 7, 8])).tolist() == [0, 1, 2, -1]
    assert atoms.keep(torch.tensor([8, 6])).tolist() == [-1, 1]
    assert Atoms(dictionary, memory=0).keep(torch.tensor([5])).tolist() == [-1]
    with pytest.raises(ValueError, match="products of 3 atoms"):
        atoms.complete()


@pytest.mark.parametrize(
    ("distinct", "choices", "to_come", "worth"),
    [(900, 1000, 100_000, True), (100, 1000, 100_000, False), (900, 1000, 400, False), (1000, 1000, 100_000, True)],
)
def test_completing_pays_where_most_atoms_will_be_chosen(
    distinct: int, choices: int, to_come: int, worth: bool
) -> None:
    _, dictionary = problem("gaussian", 1, 4000, 8, seed=53)
    assert Atoms(dictionary).worth_completing(distinct, choices, to_come) is worth
    assert not Atoms(dictionary, memory=1 << 20).worth_completing(distinct, choices, to_come)


def test_products_stay_for_the_next_pursuit_of_the_same_tensor() -> None:
    signals, dictionary = problem("planted", 30, 600, 24, seed=54)
    first = gradient_pursuit(signals, dictionary, 6)
    again = gradient_pursuit(signals, dictionary, 6)
    assert first.work.products > 60
    assert again.work.products == 30
    assert torch.equal(first.values, again.values)
    assert gradient_pursuit(signals, dictionary.clone(), 6).work.products == first.work.products
    assert orthogonal_matching_pursuit(signals, dictionary, 6).work.products > 30


def test_a_dictionary_that_changed_meanwhile_is_read_again() -> None:
    signals, dictionary = problem("planted", 30, 600, 24, seed=55)
    gradient_pursuit(signals, dictionary, 6)
    dictionary.data.copy_(dictionary.flip(0))
    codes = gradient_pursuit(signals, dictionary, 6)
    assert codes.work.products > 60
    assert torch.equal(codes.to_dense(600), gradient_pursuit(signals, dictionary.clone(), 6).to_dense(600))


@pytest.mark.slow
def test_products_go_with_their_dictionary() -> None:
    signals, dictionary = problem("planted", 5, 600, 24, seed=56)
    seen: list[weakref.ref[Atoms]] = []
    take = Atoms.keep

    def spy(self: Atoms, atoms: Tensor) -> Tensor:
        seen.append(weakref.ref(self))
        return take(self, atoms)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Atoms, "keep", spy)
        gradient_pursuit(signals, dictionary, 6)
    gc.collect()
    assert seen[-1]() is not None
    del dictionary
    gc.collect()
    assert seen[-1]() is None


@pytest.mark.parametrize("mkl", [True, False])
def test_rows_are_added_where_they_belong(mkl: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not mkl:
        monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    generator = torch.Generator().manual_seed(1)
    table = torch.randn(9, 20, generator=generator)
    totals = torch.randn(5, 20, generator=generator)
    rows, factors = torch.tensor([3, 3, 8, 0, 5]), torch.tensor([1.0, -2.0, 0.5, 4.0, 1.0], dtype=torch.float64)
    expected = totals.clone()
    for token, row, factor in zip([0, 0, 2, 2, 2], rows.tolist(), factors.tolist(), strict=True):
        expected[token] += factor * table[row]
    add_rows(totals, torch.tensor([2, 0, 3, 0]), rows, factors, table)
    torch.testing.assert_close(totals, expected)


@pytest.mark.parametrize("variant", ["persistent", "dark_matter"])
@pytest.mark.parametrize("kind", ["gaussian", "planted", "clustered", "shared", "sums"])
def test_no_product_exceeds_its_bound(kind: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before every choice: each true product with an atom that may be taken lies within the tracked one's bounds."""
    signals, dictionary = problem(kind, 60, 1500, 32, seed=60)
    pick = AtomScreen.pick
    checked = 0

    def checked_pick(self: AtomScreen, stop: float | None) -> None:
        nonlocal checked
        batch: Batch = self._batch
        live = slice(batch.live)
        exact = batch.precise_residuals(torch.arange(batch.live)) @ dictionary.float().double().T
        tracked = self._values[live, :1500].double()
        rise = self._rise()[:, torch.arange(1500) // BLOCK].double()
        free = tracked > -torch.inf
        own = torch.zeros(batch.live, 1500, dtype=torch.bool)
        tokens, slots = batch.active[live, : batch.length].nonzero(as_tuple=True)
        own[tokens, batch.atoms[tokens, slots]] = True
        assert torch.equal(free, ~own)
        excess = exact - (tracked + rise + self._error[live, None])
        assert float(excess[free].max()) <= 0
        assert bool((self._blocks[live] >= self._values[live].view(batch.live, -1, BLOCK).amax(2)).all())
        checked += int(free.sum())
        pick(self, stop)

    monkeypatch.setattr(AtomScreen, "pick", checked_pick)
    gradient_pursuit(signals.float(), dictionary.float(), 24, variant)  # type: ignore[arg-type]
    assert checked > 60 * 10 * 1400
