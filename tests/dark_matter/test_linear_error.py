"""The linear part of the error against closed forms, direct formulas and the paper's released code."""

import json
import re
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from saetui.dark_matter import ErrorsWarning, LinearErrorFit, fit_linear_error
from tests.reference import SHARED


def normal(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def first(n_train: int, n: int) -> Tensor:
    return torch.arange(n) < n_train


def fit(x: Tensor, error: Tensor, train: Tensor, *, intercept: bool = True) -> LinearErrorFit:
    return fit_linear_error(x, x - error, train, intercept, n_replicates=20)


def half_linear(n: int, offset: float = 0.0) -> tuple[Tensor, Tensor]:
    """Half of two dimensions out of six is left out, and noise of deviation 0.3 brought in."""
    x = normal(n, 6)
    scale = torch.tensor([0.5, 0.5, 0, 0, 0, 0], dtype=torch.float64)
    return x + offset, scale * x + 0.3 * normal(n, 6, seed=1)


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_known_share_of_two_dimensions(offset: float) -> None:
    x, error = half_linear(40_000, offset)
    measured = fit(x, error, first(20_000, 40_000))
    assert measured.fvu_sae == pytest.approx((0.5 + 0.54) / 6, abs=0.01)
    assert measured.fvu_nonlinear == pytest.approx(0.09, abs=0.01)
    assert measured.r2_total == pytest.approx(0.5 / 1.04, abs=0.01)
    assert measured.r2_dim_mean == pytest.approx(2 * (0.25 / 0.34) / 6, abs=0.01)
    # Half of x in a third of the dimensions: on average s = 1/6, which explains a third of the linear part.
    assert measured.shrinkage.factor == pytest.approx(1 / 6, abs=0.01)
    share = measured.shrinkage.share
    assert share.value == pytest.approx(1 / 3, abs=0.03)
    assert share.low < share.value < share.high  # type: ignore[operator]
    assert not measured.shrinkage.flagged
    assert (measured.rank, measured.n_train, measured.n_test, measured.notes) == (6, 20_000, 20_000, ())


def test_shrinkage_is_linear_and_flagged() -> None:
    x = normal(1000, 6)
    measured = fit(x, 0.3 * x, first(600, 1000))
    assert measured.fvu_sae == pytest.approx(0.09, abs=1e-3)
    assert measured.fvu_nonlinear == pytest.approx(0, abs=1e-9)
    assert measured.r2_total == pytest.approx(1, abs=1e-9)
    assert measured.shrinkage.factor == pytest.approx(0.3)
    assert measured.shrinkage.r2.value == pytest.approx(1, abs=1e-9)
    assert measured.shrinkage.flagged
    assert not measured.dead


def test_a_dead_sae_is_all_linear_and_named() -> None:
    x = normal(1000, 6) + 3
    with pytest.warns(ErrorsWarning, match="the SAE: its reconstruction is the same for every token"):
        measured = fit_linear_error(x, x.mean(dim=0).expand_as(x), first(600, 1000), n_replicates=20)
    assert measured.dead
    assert "dead SAE" in measured.notes[0]
    assert measured.r2_total == pytest.approx(1, abs=1e-9)
    assert measured.shrinkage.factor == pytest.approx(1)
    assert measured.shrinkage.flagged


def test_independent_noise_is_not_predictable_on_held_out_rows() -> None:
    d, n_train = 20, 600
    figures = [
        fit(normal(40_000, d, seed), 0.5 * normal(40_000, d, seed + 50), first(n_train, 40_000)).r2_total
        for seed in range(4)
    ]
    # Each coefficient costs noise / n_train, and the intercept as much once: -(d + 1) / n_train.
    assert sum(figures) / 4 == pytest.approx(-(d + 1) / n_train, rel=0.15)  # type: ignore[arg-type]


def test_the_figures_are_the_direct_ones() -> None:
    x = normal(3000, 5) @ normal(5, 5, seed=9) + 2
    error = torch.tanh(x) + 0.1 * normal(3000, 5, seed=3)
    train = torch.rand(3000, generator=torch.Generator().manual_seed(0)) < 0.6
    measured = fit(x, error, train)
    ones = torch.cat([x, torch.ones(3000, 1, dtype=torch.float64)], dim=1)

    def predicted(y: Tensor) -> Tensor:
        return ones[~train] @ torch.linalg.lstsq(ones[train], y[train]).solution

    held_out, held_out_x = error[~train], x[~train]
    residual = (held_out - predicted(error)).square().sum(dim=0)
    deviation = (held_out - held_out.mean(dim=0)).square().sum(dim=0)
    variance = (held_out_x - held_out_x.mean(dim=0)).square().sum()
    assert measured.r2_total == pytest.approx(float(1 - residual.sum() / deviation.sum()), abs=1e-6)
    assert measured.r2_dim_mean == pytest.approx(float((1 - residual / deviation).mean()), abs=1e-6)
    assert measured.fvu_sae == pytest.approx(float(held_out.square().sum() / variance), abs=1e-6)
    assert measured.fvu_nonlinear == pytest.approx(float(residual.sum() / variance), abs=1e-6)
    linear = ones @ torch.linalg.lstsq(ones[train], error[train]).solution
    for target, vectors in {
        "error": error,
        "activation": x,
        "reconstruction": x - error,
        "linear": linear,
        "nonlinear": error - linear,
    }.items():
        norms = vectors.square().sum(dim=1, keepdim=True)
        y = norms[~train]
        r2 = 1 - (y - predicted(norms)).square().sum() / (y - y.mean()).square().sum()
        assert measured.norm_r2[target].value == pytest.approx(float(r2), abs=1e-5)  # type: ignore[index]
    assert measured.norm_squared_r2 == measured.norm_r2["error"].value
    torch.testing.assert_close(measured.linear_error(x), linear, atol=1e-5, rtol=0)
    torch.testing.assert_close(measured.nonlinear_error(x, x - error), error - linear, atol=1e-5, rtol=0)


def test_in_sample_the_linear_part_takes_its_share_of_the_fvu() -> None:
    x, error = half_linear(2000)
    error = error - error.mean(dim=0)  # So that R² about the mean and about zero are one.
    twice = fit(torch.cat([x, x]), torch.cat([error, error]), first(2000, 4000))
    assert twice.fvu_nonlinear == pytest.approx(twice.fvu_sae * (1 - twice.r2_total), rel=1e-9)  # type: ignore[operator]


def direct_r2(x: Tensor, y: Tensor, train: Tensor) -> Tensor:
    """R² of each column of y on the other rows, by ordinary least squares with an intercept."""
    ones = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
    held_out = y[~train]
    residual = held_out - ones[~train] @ torch.linalg.lstsq(ones[train], y[train]).solution
    return 1 - residual.square().sum(dim=0) / (held_out - held_out.mean(dim=0)).square().sum(dim=0)


def released_splits() -> range:
    """Seeds of the released code's random splits; the reference names them in its note."""
    path = SHARED / "reference" / "linear_error.json"
    if not path.is_file():
        return range(0)
    seeds = re.search(r"seeds (\d+)\.\.(\d+)", json.loads(path.read_text())["note"])
    assert seeds is not None
    return range(int(seeds[1]), int(seeds[2]) + 1)


@pytest.mark.parametrize("seed", released_splits())
def test_the_figures_of_the_released_code_on_its_splits(shared: Path, seed: int) -> None:
    tensors = load_file(shared / "reference" / "linear_error.safetensors")
    reference = json.loads((shared / "reference" / "linear_error.json").read_text())
    split = seed - released_splits().start
    n, n_train = reference["rows"], reference["train_rows"]
    # The random state that the released code's split was drawn from.
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        order = torch.randperm(n)
    train = torch.zeros(n, dtype=torch.bool)
    train[order[:n_train]] = True
    x, reconstructions = tensors["activations"], tensors["reconstructions"]
    released = fit_linear_error(x, reconstructions, train, intercept=False, n_replicates=20)
    assert released.r2_dim_mean == pytest.approx(reference["error_vector_r2_dim_mean_no_intercept"][split], abs=1e-4)
    assert released.norm_squared_r2 == pytest.approx(reference["error_norm_squared_r2_with_ones"][split], abs=1e-4)
    assert released.fvu_sae == pytest.approx(reference["fvu_sae"], abs=1e-5)
    own = fit_linear_error(x, reconstructions, train, n_replicates=20)
    direct = direct_r2(x.double(), (x - reconstructions.float()).double(), train)
    assert own.r2_dim_mean == pytest.approx(float(direct.mean()), abs=1e-4)
    # The intercept changes the figure, so that the two forms are told apart.
    assert own.r2_dim_mean != pytest.approx(released.r2_dim_mean, abs=1e-6)
    assert own.norm_squared_r2 == released.norm_squared_r2


def test_an_intercept_matters_where_the_error_has_a_mean() -> None:
    x = normal(4000, 6)
    error = 0.2 * x + 1 + 0.1 * normal(4000, 6, seed=1)
    with_intercept, without = (fit(x, error, first(2400, 4000), intercept=i) for i in (True, False))
    assert with_intercept.r2_total == pytest.approx(0.8, abs=0.02)
    assert without.r2_total is not None
    assert without.r2_total < -1
    assert with_intercept.estimates["fvu_nonlinear"].value == pytest.approx(0.01, abs=1e-3)


def test_activations_in_fewer_directions_than_dimensions() -> None:
    x = normal(2000, 3) @ normal(3, 8, seed=2)
    with pytest.warns(ErrorsWarning, match="vary in 3 directions only, of 8"):
        measured = fit(x, 0.5 * x + 0.1 * normal(2000, 8, seed=1), first(1200, 2000))
    assert measured.rank == 3
    assert measured.r2_total == pytest.approx(1 - 0.08 / (0.08 + 0.25 * float(x.var(dim=0).sum())), abs=0.01)


def test_constant_dimensions_leave_the_mean_over_dimensions_alone() -> None:
    x, error = half_linear(8000)
    x[:, 5], error[:, 5] = 7.0, 0.0
    with pytest.warns(ErrorsWarning, match="1 of 6 dimensions of the activations are constant"):
        measured = fit(x, error, first(4800, 8000))
    assert (measured.constant_dimensions, measured.rank) == (1, 5)
    assert measured.r2_dim_mean == pytest.approx(2 * (0.25 / 0.34) / 5, abs=0.01)


def test_few_tokens_are_warned_about_with_the_number_needed() -> None:
    x = normal(200, 10)
    with pytest.warns(ErrorsWarning, match=r"100 train tokens are 10.0 for each of 10 dimensions.*give 200 train"):
        measured = fit(x, 0.1 * x, first(100, 200))
    assert "give 200 train tokens" in measured.notes[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(normal(400, 10), 0.1 * normal(400, 10), first(200, 400))


def test_too_few_tokens_are_refused_with_the_number_needed() -> None:
    x = normal(100, 10)
    with pytest.raises(ValueError, match=r"29 train tokens.*needs 30 at least, and 200"):
        fit(x, 0.1 * x, first(29, 100))
    with pytest.warns(ErrorsWarning):
        fit(x, 0.1 * x, first(30, 100))


def test_rows_that_are_not_finite_are_left_out_and_counted() -> None:
    x, error = half_linear(4000)
    reconstructions = x - error
    clean = fit_linear_error(x[:3990], reconstructions[:3990], first(2000, 3990), n_replicates=20)
    x[3990:3995, 2], reconstructions[3993:4000, 1] = torch.nan, torch.inf
    with pytest.warns(ErrorsWarning, match=r"10 tokens with values that are not finite .*activations 5, the SAE 7"):
        measured = fit_linear_error(x, reconstructions, first(2000, 4000), n_replicates=20)
    assert (measured.excluded.rows, dict(measured.excluded.by)) == (10, {"activations": 5, "the SAE": 7})
    for figure, value in clean.estimates.items():
        assert measured.estimates[figure].value == pytest.approx(value.value)


def test_train_rows_that_are_not_finite_are_counted_once() -> None:
    x, error = half_linear(4000)
    x[:5] = torch.inf
    with pytest.warns(ErrorsWarning):
        assert fit(x, error, first(2000, 4000)).excluded.rows == 5


def test_a_perfect_sae_has_nothing_to_predict() -> None:
    x = normal(500, 4)
    measured = fit(x, torch.zeros_like(x), first(300, 500))
    assert (measured.fvu_sae, measured.fvu_nonlinear, measured.r2_total, measured.r2_dim_mean) == (0, 0, None, None)
    assert measured.norm_squared_r2 is None
    assert measured.shrinkage.share.value is None
    assert measured.estimates["r2_total"].low is None


def test_activations_that_do_not_vary_are_refused() -> None:
    x = torch.full((500, 4), 0.1)
    with pytest.raises(ValueError, match="same in every row"):
        fit_linear_error(x, x - normal(500, 4).float(), first(300, 500))


def test_half_precision_counts_in_full() -> None:
    x, error = half_linear(4000, offset=4.0)
    train = first(2400, 4000)
    half, half_reconstruction = x.half(), (x - error).half()
    measured = fit_linear_error(half, half_reconstruction, train, n_replicates=20)
    exact = fit_linear_error(half.double(), half_reconstruction.double(), train, n_replicates=20)
    assert measured.r2_total == pytest.approx(exact.r2_total, abs=1e-6)


def test_shapes_masks_and_splits_that_do_not_fit_are_refused() -> None:
    x = normal(100, 4)
    with pytest.raises(ValueError, match=r"\(100, 3\) do not fit activations of shape \(100, 4\)"):
        fit_linear_error(x, x[:, :3], first(50, 100))
    with pytest.raises(ValueError, match="mask of 100 booleans"):
        fit_linear_error(x, x, torch.arange(50))
    with pytest.raises(ValueError, match="test side of the split has no contexts"):
        fit_linear_error(x, x, first(100, 100))
    with pytest.raises(ValueError, match="context 4 is on both sides"):
        fit_linear_error(x, x, first(45, 100), contexts=torch.arange(100) // 10)
