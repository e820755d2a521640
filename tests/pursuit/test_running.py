"""Progress, cancelling, what is reported of rows that are left out, and input that makes no sense."""

from typing import Any

import pytest
import torch

from saetui.pursuit import Atoms, PursuitStep, gradient_pursuit, orthogonal_matching_pursuit
from tests.pursuit.problems import problem


class CancelledError(Exception):
    """What a caller raises to stop."""


@pytest.mark.parametrize("pursue", [gradient_pursuit, orthogonal_matching_pursuit])
def test_progress_counts_up_to_all_steps(pursue: Any) -> None:
    signals, dictionary = problem("planted", 40, 300, 24, seed=41)
    targets = torch.arange(40) % 9
    seen: list[tuple[int, int]] = []
    codes = pursue(signals, dictionary, targets, batch_size=16, progress=lambda done, total: seen.append((done, total)))
    assert {total for _, total in seen} == {int(targets.sum())}
    done = [done for done, _ in seen]
    assert done == sorted(done)
    assert done[-1] == int(targets.sum())
    assert len(done) > 12
    assert codes.work.plain == int(codes.steps.sum())


def test_progress_ends_at_all_where_signals_stop_early() -> None:
    seen: list[tuple[int, int]] = []
    gradient_pursuit(torch.eye(6)[:2], torch.eye(6), 5, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (10, 10)
    seen.clear()
    gradient_pursuit(torch.zeros(2, 6), torch.eye(6), 5, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (10, 10)


def test_progress_may_cancel() -> None:
    signals, dictionary = problem("planted", 40, 300, 24, seed=42)
    calls = 0

    def stop_soon(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if done > 20:
            raise CancelledError

    with pytest.raises(CancelledError):
        gradient_pursuit(signals, dictionary, 8, batch_size=4, progress=stop_soon)
    assert calls < 10


def test_cancelling_while_all_products_are_taken_leaves_the_atoms_usable() -> None:
    signals, dictionary = problem("gaussian", 400, 2048, 24, seed=43)
    atoms = Atoms(dictionary)
    few = gradient_pursuit(signals[:5], atoms, 8)
    assert 0 < atoms.kept < 100

    def stop(done: int, total: int) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        gradient_pursuit(signals, atoms, 10, progress=stop)
    assert atoms.kept == 0
    again = gradient_pursuit(signals[:5], atoms, 8)
    assert torch.equal(few.indices, again.indices)
    gradient_pursuit(signals, atoms, 10)
    assert atoms.kept == 2048
    torch.testing.assert_close(atoms.table[:, :2048], dictionary @ dictionary.T)


def test_every_step_may_be_watched() -> None:
    signals, dictionary = problem("planted", 20, 300, 24, seed=44)
    targets = torch.arange(20) % 6
    steps: list[PursuitStep] = []
    codes = gradient_pursuit(signals, dictionary, targets, batch_size=7, watch=steps.append)
    chosen = torch.full_like(codes.chosen, -1)
    for step in steps:
        chosen[step.rows, step.step - 1] = step.chosen
        torch.testing.assert_close(codes.residual_norms[step.rows, step.step], step.residual_norms)
    assert torch.equal(chosen, codes.chosen)


def test_rows_that_are_not_finite_are_left_out_and_marked() -> None:
    signals, dictionary = problem("planted", 12, 100, 16, seed=45)
    whole = gradient_pursuit(signals, dictionary, 4)
    signals[2, 5], signals[7, 0] = torch.nan, torch.inf
    for variant in ("persistent", "dark_matter"):
        codes = gradient_pursuit(signals, dictionary, 4, variant)
        assert codes.excluded.nonzero().flatten().tolist() == [2, 7]
        assert codes.l0[[2, 7]].tolist() == [0, 0]
        assert bool(torch.isfinite(codes.residual_norms).all())
        if variant == "persistent":
            rest = [0, 1, 3, 4, 5, 6, 8, 9, 10, 11]
            torch.testing.assert_close(codes.to_dense(100)[rest], whole.to_dense(100)[rest])
        assert codes.work.plain == 40


def test_atoms_of_norm_zero_are_counted_and_never_taken() -> None:
    signals, dictionary = problem("planted", 12, 100, 16, seed=46)
    dictionary[[3, 50]] = 0.0
    codes = gradient_pursuit(signals, dictionary, 6)
    assert codes.zero_atoms == 2
    assert not bool(torch.isin(codes.indices, torch.tensor([3, 50])).any())
    assert bool(torch.isfinite(orthogonal_matching_pursuit(signals, dictionary, 6).values).all())


def test_targets_over_the_cap_are_cut_and_marked() -> None:
    signals, dictionary = problem("planted", 5, 100, 16, seed=47)
    codes = gradient_pursuit(signals, dictionary, torch.tensor([2, 9, 3, 4, 8]), max_l0=4)
    assert codes.capped.tolist() == [False, True, False, False, True]
    assert codes.steps.tolist() == [2, 4, 3, 4, 4]


@pytest.mark.parametrize("scale", [1e-25, 1e-10, 1e15, 1e28])
def test_signals_of_any_size_are_pursued(scale: float) -> None:
    signals, dictionary = problem("planted", 20, 600, 16, seed=49)
    plain = gradient_pursuit(signals.float(), dictionary.float(), 6)
    scaled = gradient_pursuit((signals * scale).float(), dictionary.float(), 6)
    assert torch.equal(scaled.chosen, plain.chosen)
    torch.testing.assert_close(scaled.values.double() / scale, plain.values.double(), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_one_code_may_be_much_longer_than_the_others() -> None:
    signals, dictionary = problem("gaussian", 30, 400, 200, seed=50)
    targets = torch.full((30,), 3)
    targets[17] = 150
    codes = gradient_pursuit(signals.float(), dictionary.float(), targets)
    assert codes.steps[17] == 150
    alone = gradient_pursuit(signals[[17]].float(), dictionary.float(), 150)
    torch.testing.assert_close(codes.to_dense(400)[[17]], alone.to_dense(400), rtol=1e-4, atol=1e-5)


def test_no_signals_give_no_codes() -> None:
    codes = gradient_pursuit(torch.zeros(0, 4), torch.eye(4), 2)
    assert codes.indices.shape[0] == 0
    assert codes.to_dense(4).shape == (0, 4)
    assert codes.work.saved == 0


def test_codes_in_the_precision_of_the_dictionary() -> None:
    signals, dictionary = problem("planted", 5, 100, 16, seed=48)
    assert gradient_pursuit(signals.half(), dictionary.bfloat16(), 3).values.dtype == torch.float32
    assert gradient_pursuit(signals, dictionary, 3).values.dtype == torch.float64
    codes = gradient_pursuit(signals.float(), dictionary.float(), 3)
    assert codes.decode(dictionary).dtype == torch.float64


X, D = torch.ones(3, 4), torch.eye(4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, D, 0), "target_l0 is 0; a code needs 1 atom or more"),
        ((X, D, -1), "target_l0 is -1"),
        ((X, D, 5), "target_l0 holds 5, but the dictionary has only 4 atoms"),
        ((X, D, torch.tensor([1, 2, 9])), "holds 9"),
        ((X, D, torch.tensor([1, -2, 3])), "holds -2"),
        ((X, D, torch.tensor([1, 2])), "there are 3 signals"),
        ((X, D, torch.tensor([1.0, 2.0, 3.0])), "whole numbers"),
        ((X, D, [1, 2]), "there are 3 signals"),
        ((X, D, True), "one whole number"),
        ((X, D, 2.0), "one whole number"),
        ((X, D, 2, "authors"), "persistent, dark_matter"),
        ((X, torch.eye(5), 2), "signals have 4 columns, atoms of the dictionary 5"),
        ((X[0], D, 2), r"signals has shape \(4,\)"),
        ((X, D[0], 2), r"dictionary has shape \(4,\)"),
        ((X.long(), D, 2), "signals must be a tensor of floats"),
        ((X.tolist(), D, 2), "signals must be a tensor of floats, not list"),
        ((X, torch.zeros(4, 4), 2), "all 4 atoms of the dictionary have norm 0"),
        ((X, torch.zeros(0, 4), 2), "has no atoms"),
        ((X, D.index_fill(0, torch.tensor([1, 2]), torch.nan), 2), "2 of 4 atoms"),
    ],
)
def test_input_that_makes_no_sense_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gradient_pursuit(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"polish": -1}, "polish is -1"),
        ({"refit": "ls"}, "refit is 'ls'"),
        ({"max_l0": 0}, "max_l0 is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gradient_pursuit(X, D, 2, **options)


def test_atoms_made_for_the_other_variant_are_refused() -> None:
    with pytest.raises(ValueError, match="fold=False"):
        gradient_pursuit(X, Atoms(2 * D), 2, "dark_matter")
    with pytest.raises(ValueError, match="by direction"):
        gradient_pursuit(X, Atoms(2 * D, fold=False), 2)
    with pytest.raises(ValueError, match="memory allows"):
        Atoms(D, memory=0).complete()
    # Unit rows are the same either way.
    gradient_pursuit(X, Atoms(D), 2, "dark_matter")


def test_codes_that_do_not_fit_a_dictionary_are_refused() -> None:
    codes = gradient_pursuit(X, D, 4)
    with pytest.raises(ValueError, match="atom 3"):
        codes.to_dense(3)
    with pytest.raises(ValueError, match="2 atoms"):
        codes.decode(D[:2])
