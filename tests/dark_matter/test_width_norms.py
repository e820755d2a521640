"""Norms across widths where the answer is known."""

import pytest
import torch
from torch import Tensor

from saetui.dark_matter import SAETokenErrors, TokenErrors
from saetui.dark_matter.norm_baselines import norm_baselines, shrunken_means
from saetui.dark_matter.width_norms import width_norms

N, LENGTH = 4000, 20


def uniform(seed: int) -> Tensor:
    return torch.rand(N, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.5


def tokens(norms: dict[str, tuple[Tensor, Tensor, Tensor]], **others: Tensor) -> TokenErrors:
    """Token errors from error, linear and nonlinear norms by SAE."""
    context = torch.arange(N) // LENGTH
    return TokenErrors(
        context=context,
        position=torch.arange(N) % LENGTH,
        token_id=others.get("token_id"),
        held_out=others.get("held_out", context >= 40),
        activation_norm=others.get("activation_norm", torch.ones(N)),
        saes={
            name: SAETokenErrors(error, linear, nonlinear, torch.ones(N), others.get("l0"))
            for name, (error, linear, nonlinear) in norms.items()
        },
    )


def test_an_exact_line_leaves_nothing_to_gain() -> None:
    small, other = uniform(0), uniform(1)
    large = 0.8 * small + 0.05
    measured = width_norms(tokens({"small": (small, other, other), "large": (large, other, other)}), ["small", "large"])
    pair = measured.pairs["small", "large"]
    assert pair.r2.value == pytest.approx(1, abs=1e-9)
    assert (pair.gain.value, pair.gain_linear.value, pair.gain_shuffled.value) == (None, None, None)
    assert measured.r2_matrix() == [[None, pair.r2.value], [None, None]]
    assert (measured.n_train, measured.n_test) == (1600, 1600)


def test_gain_from_the_nonlinear_norm_alone() -> None:
    small, linear, nonlinear, noise = (uniform(seed) for seed in range(4))
    # Equal variances: the small norm explains a third, the nonlinear norm half of the rest.
    large = small + nonlinear + noise
    names = ["small", "large", "random"]
    norms = {"small": (small, linear, nonlinear), "large": (large, linear, linear), "random": (uniform(9),) * 3}
    measured = width_norms(tokens(norms), names, n_replicates=100)
    assert set(measured.pairs) == {("small", "large"), ("small", "random"), ("large", "random")}
    pair = measured.pairs["small", "large"]
    assert pair.r2.value == pytest.approx(1 / 3, abs=0.05)
    assert pair.gain.value == pytest.approx(50, abs=5)
    assert pair.gain.low < 50 < pair.gain.high  # type: ignore[operator]
    assert pair.gain_linear.value == pytest.approx(0, abs=1)
    assert pair.gain_shuffled.value == pytest.approx(0, abs=1)
    assert measured.pairs["small", "random"].r2.value == pytest.approx(0, abs=0.02)


def test_only_tokens_that_were_held_out_are_used() -> None:
    small, large = uniform(0), uniform(0)
    train = torch.arange(N) // LENGTH < 40
    large[train] = uniform(5)[train]
    measured = width_norms(tokens({"a": (small,) * 3, "b": (large,) * 3}), ["a", "b"], n_replicates=2)
    assert measured.pairs["a", "b"].r2.value == pytest.approx(1, abs=1e-9)


def test_unknown_saes_are_named() -> None:
    with pytest.raises(ValueError, match="c cannot be compared; name two or more of a"):
        width_norms(tokens({"a": (uniform(0),) * 3}), ["a", "c"])


def test_each_baseline_explains_its_share_of_the_norm() -> None:
    token_id = torch.randint(20, (N,), generator=torch.Generator().manual_seed(3))
    of_token = torch.arange(20)[token_id].double()
    l0, activation, noise, loss = torch.arange(N) % 7, uniform(1), uniform(2), uniform(4)
    # Equal variances of four causes.
    causes = [of_token, l0.double(), activation, noise]
    squared = sum((c - c.mean()) / c.std() for c in causes) + 10
    assert isinstance(squared, Tensor)
    loss[::5] = torch.nan
    study = tokens({"a": (squared.sqrt(),) * 3}, token_id=token_id, l0=l0, activation_norm=activation)
    figures = norm_baselines(study, "a", others={"loss": loss}, n_replicates=50)
    assert figures["token_mean"].value == pytest.approx(1 / 4, abs=0.05)
    assert figures["l0"].value == pytest.approx(1 / 4, abs=0.05)
    assert figures["activation_norm"].value == pytest.approx(1 / 4, abs=0.05)
    assert figures["loss"].value == pytest.approx(0, abs=0.03)
    assert set(norm_baselines(tokens({"a": (squared,) * 3}), "a", n_replicates=2)) == {"activation_norm"}
    assert norm_baselines(tokens({"a": (squared,) * 3}), "a")["activation_norm"].value is None
    with pytest.raises(ValueError, match="name one of a"):
        norm_baselines(study, "b")


def test_means_of_groups_without_differences_shrink_to_one() -> None:
    group = torch.arange(N) // 4
    train = torch.ones(N, dtype=torch.bool)
    noise = torch.randn(N, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float(shrunken_means(group, noise, train).std()) < 0.2  # Raw means of 4 have 0.5.
    different = 10 * torch.randn(N // 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)[group]
    means = shrunken_means(group, different + noise, train)
    assert float((means - different).std()) == pytest.approx(0.5, abs=0.05)


def test_a_group_without_train_rows_gets_the_mean_of_all() -> None:
    group, values = torch.tensor([0, 0, 0, 1, 1, 1, 2]), torch.tensor([1.0, 2, 3, 5, 6, 7, 99])
    train = torch.tensor([True] * 6 + [False])
    means = shrunken_means(group, values, train)
    assert means[-1] == pytest.approx(4)
    assert 2 < means[0] < 2.2
