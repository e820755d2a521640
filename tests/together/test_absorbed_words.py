"""Absorbed words against others, on words whose differences are known."""

from typing import Any

import numpy as np
import pytest

from saetui.together import ComparedWords, compare_verdicts, compare_within_words


def words(
    group: list[str],
    error: Any,
    *,
    word: Any = None,
    frequency: Any = None,
    activation: Any = None,
    linear_share: float = 0.36,
) -> ComparedWords:
    """Words with orthogonal parts: the linear one has ``linear_share`` of the squared error."""
    error = np.asarray(error, dtype=np.float64)
    n = len(group)
    activation = np.full(n, 10.0) if activation is None else np.asarray(activation, dtype=np.float64)
    return ComparedWords(
        word=np.arange(n) if word is None else np.asarray(word),
        group=np.array(group, dtype=np.str_),
        frequency=np.ones(n) if frequency is None else np.asarray(frequency, dtype=np.float64),
        activation=activation,
        error=error,
        linear=error * np.sqrt(linear_share),
        nonlinear=error * np.sqrt(1 - linear_share),
        linear_contribution=linear_share * error**2 / activation**2,
        nonlinear_contribution=(1 - linear_share) * error**2 / activation**2,
    )


def test_means_ratios_and_parts_have_their_closed_forms() -> None:
    found = compare_verdicts(words(["absorbed", "absorbed", "fires", "fires", "silent", "silent"], [2, 8, 1, 4, 4, 4]))
    assert found.counts == {"absorbed": 2, "silent": 2, "fires": 2}
    assert found.n_left_out == 0
    assert [found.share[group].value for group in ("absorbed", "silent", "fires")] == pytest.approx([0.5, 0.4, 0.25])
    # Geometric means: 4, 2 and 4.
    assert found.differences["fires", "none"].error.value == pytest.approx(100)
    assert found.differences["silent", "none"].error.value == pytest.approx(0)
    difference = found.differences["fires", "none"]
    assert difference.linear.value == pytest.approx(100)
    # Mean squares: 34 and 8.5, over 100.
    assert difference.linear_part.value == pytest.approx(0.36 * 0.255)
    assert difference.nonlinear_part.value == pytest.approx(0.64 * 0.255)
    assert found.linear_part["absorbed"].value == pytest.approx(0.36 * 0.34)


def test_a_difference_that_is_all_nonlinear_is_told() -> None:
    generator = np.random.default_rng(0)
    group = ["absorbed"] * 100 + ["fires"] * 100
    n = len(group)
    nonlinear = np.where(np.array(group) == "absorbed", 3.0, 2.0) * np.exp(0.1 * generator.normal(size=n))
    linear = np.exp(0.1 * generator.normal(size=n))
    found = compare_verdicts(
        ComparedWords(
            word=np.arange(n),
            group=np.array(group),
            frequency=np.ones(n),
            activation=np.full(n, 10.0),
            error=np.sqrt(linear**2 + nonlinear**2),
            linear=linear,
            nonlinear=nonlinear,
            linear_contribution=linear**2 / 100,
            nonlinear_contribution=nonlinear**2 / 100,
        )
    ).differences["fires", "none"]
    assert found.nonlinear.value == pytest.approx(50, abs=5)
    assert found.linear.ends is not None
    assert found.linear.ends[0] < 0 < found.linear.ends[1]
    assert found.nonlinear_share.value == pytest.approx(1, abs=0.03)


def test_no_share_is_given_of_a_difference_that_may_be_none() -> None:
    generator = np.random.default_rng(0)
    error = np.exp(generator.normal(size=60))
    found = compare_verdicts(words(["absorbed", "fires"] * 30, error)).differences["fires", "none"]
    assert found.error.ends is not None
    assert found.error.ends[0] < 0 < found.error.ends[1]
    assert found.nonlinear_share.value is None


@pytest.mark.parametrize("confounder", ["frequency", "norm"])
def test_controls_take_a_confounder_away_and_leave_a_true_difference(confounder: str) -> None:
    generator = np.random.default_rng(3)
    n = 2000
    hidden = generator.uniform(0, 4, n)
    is_absorbed = generator.uniform(size=n) < hidden / 5
    noise = np.exp(0.1 * generator.normal(size=n))
    error = np.exp(-0.5 * hidden) * np.where(is_absorbed, 1.2, 1.0) * noise
    group = np.where(is_absorbed, "absorbed", "fires").tolist()
    if confounder == "frequency":
        found = compare_verdicts(words(group, error, frequency=np.exp(hidden)))
    else:
        found = compare_verdicts(words(group, error, activation=np.exp(hidden)))
    controls = ("none", "frequency", "frequency and norm")
    differences = {control: found.differences["fires", control].error for control in controls}
    assert differences["none"].value is not None
    assert differences["none"].value < -20
    last = differences["frequency and norm"]
    assert last.ends is not None
    assert last.ends[0] < 20 < last.ends[1]
    assert last.ends[1] - last.ends[0] < 5
    assert (abs((differences["frequency"].value or 0) - 20) < 3) == (confounder == "frequency")


@pytest.mark.slow
def test_the_interval_holds_the_truth_in_about_95_of_100_samples() -> None:
    held = 0
    for seed in range(120):
        generator = np.random.default_rng(seed)
        error = np.exp(generator.normal(0, 0.5, 80)) * np.repeat([1.5, 1.0], 40)
        found = compare_verdicts(words(["absorbed"] * 40 + ["fires"] * 40, error), draws=300, seed=seed)
        ends = found.differences["fires", "none"].error.ends
        assert ends is not None
        held += ends[0] <= 50 <= ends[1]
    # Within three standard errors of 95 percent.
    assert 107 <= held <= 120


def test_too_few_words_give_no_figure_and_exact_ones_are_left_out() -> None:
    found = compare_verdicts(words(["absorbed", "fires", "fires", "fires"], [1, 2, 2, 0]))
    assert found.counts == {"absorbed": 1, "silent": 0, "fires": 2}
    assert found.n_left_out == 1
    assert found.share["absorbed"].value is None
    assert found.share["fires"].value == pytest.approx(0.2)
    assert all(difference.error.value is None for difference in found.differences.values())
    nothing = compare_verdicts(words([], []))
    assert nothing.counts == {"absorbed": 0, "silent": 0, "fires": 0}
    assert compare_within_words([words([], []), words([], [])])["fires"].n_words == 0


def test_within_words_whatever_a_word_brings_along_is_taken_out() -> None:
    generator = np.random.default_rng(5)
    n = 200
    # The hard words are the ones that the wide SAE absorbs; absorption itself halves the error there.
    is_absorbed = np.arange(n) < n // 2
    own = np.exp(generator.normal(size=n)) * np.where(is_absorbed, 8.0, 1.0)
    noise = [np.exp(0.05 * generator.normal(size=n)) for _ in range(2)]
    narrow = words(["fires"] * n, 2 * own * noise[0])
    wide_group = np.where(is_absorbed, "absorbed", "fires").tolist()
    wide = words(wide_group, own * np.where(is_absorbed, 0.5, 1.0) * noise[1])
    across = compare_verdicts(wide).differences["fires", "none"].error
    assert across.value is not None
    assert across.value > 100
    within = compare_within_words([narrow, wide])
    assert within["fires"].n_words == n // 2
    assert within["fires"].norms.error.value == pytest.approx(-50, abs=1.5)
    assert within["fires"].norms.error.ends is not None
    assert (within["silent"].n_words, within["silent"].norms.error.value) == (0, None)


def test_within_words_against_silent_ones() -> None:
    first = words(["absorbed", "absorbed", "silent", "silent"], [1, 2, 6, 8])
    second = words(["silent", "silent", "absorbed", "absorbed"], [3, 6, 2, 8 / 3])
    found = compare_within_words([first, second])["silent"]
    assert found.n_words == 4
    assert found.norms.error.value == pytest.approx(-100 * 2 / 3)


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of absorbed, silent, fires"):
        words(["helps"], [1])
    with pytest.raises(ValueError, match="more than one entry"):
        words(["fires", "fires"], [1, 2], word=[7, 7])
    with pytest.raises(ValueError, match="their lengths are"):
        words(["fires", "fires"], [1, 2], frequency=[1])
    with pytest.raises(ValueError, match="two SAEs or more"):
        compare_within_words([words(["fires"], [1])])
