"""Least squares on resampled words against closed forms."""

import numpy as np
import pytest

from saetui.together.resampling import Floats, coefficients, dummies, interval, strata, word_weights


def test_the_first_weights_are_the_sample_and_each_draw_has_as_many_words() -> None:
    weights = word_weights(7, draws=50)
    assert weights.shape == (51, 7)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 7).all()
    assert (word_weights(7, draws=50) == weights).all()


def test_the_interval_of_a_mean_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(1).normal(3, 2, 400)
    weights = word_weights(400, draws=4000)
    fitted = coefficients(np.ones((400, 1)), values[:, None], np.arange(400), weights)
    found = interval(fitted[:, 0, 0])
    half = 1.96 * values.std() / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_coefficients_are_those_of_numpy_under_each_row_of_weights() -> None:
    generator = np.random.default_rng(2)
    design, outcomes = generator.normal(size=(60, 4)), generator.normal(size=(60, 3))
    weights = word_weights(60, draws=3)
    found = coefficients(design, outcomes, np.arange(60), weights)
    for row, weight in zip(found, weights, strict=True):
        root = np.sqrt(weight)[:, None]
        np.testing.assert_allclose(row, np.linalg.lstsq(design * root, outcomes * root, rcond=None)[0], atol=1e-9)


def test_a_word_with_several_rows_is_drawn_as_one() -> None:
    # Ten rows of each of two words: drawing words gives means of 0, 1/2 or 1 only.
    word = np.repeat([0, 1], 10)
    fitted = coefficients(np.ones((20, 1)), word[:, None].astype(float), word, word_weights(2, draws=200))
    assert set(np.round(fitted[:, 0, 0], 9)) == {0.0, 0.5, 1.0}


@pytest.mark.parametrize("columns", [(0, 0), (0, 1, 2)])
def test_what_the_words_do_not_determine_is_not_a_number(columns: tuple[int, ...]) -> None:
    base = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    design: Floats = base[:, columns]
    outcomes = np.array([[1.0], [3.0], [5.0], [7.0]])
    found = coefficients(design, outcomes, np.arange(4), np.ones((1, 4)))[0, :, 0]
    if columns == (0, 0):
        assert np.isnan(found).all()
    else:
        np.testing.assert_allclose(found, [2.0, np.nan, 6.0])


def test_an_interval_leaves_undefined_draws_out_unless_they_are_most() -> None:
    assert interval(np.array([1.0, 0.0, 2.0, np.nan])).ends == pytest.approx((0.05, 1.95))
    assert interval(np.array([1.0, 2.0, np.nan, np.nan, np.nan])).ends is None
    assert interval(np.array([np.nan, 1.0, 2.0])).value is None


def test_strata_are_about_equally_many_and_keep_equal_values_together() -> None:
    assert strata(np.arange(100.0), 10).tolist() == [value // 10 for value in range(100)]
    counts = np.repeat([1.0, 2.0, 3.0, 50.0], [70, 10, 10, 10])
    found = strata(counts, 10)
    assert len({(count, stratum) for count, stratum in zip(counts, found, strict=True)}) == 4
    assert strata(np.ones(30), 10).tolist() == [0] * 30
    assert dummies(np.array(["b", "a", "c", "b"])).tolist() == [[1, 0], [0, 0], [0, 1], [1, 0]]
