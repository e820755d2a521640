"""Least squares on resampled words: the word is the unit, however many tokens or SAEs it was seen in."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from saetui.intervals import Interval, draw_counts, ends_of_draws

DRAWS = 1000

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


def word_weights(n_words: int, *, draws: int = DRAWS, seed: int = 0) -> Floats:
    """How often each word counts, (1 + draws, words): once in the first row, then as drawn with replacement."""
    if n_words == 0:
        return np.ones((1, 0))
    counts = draw_counts(n_words, draws, np.random.default_rng(seed))
    return np.concatenate([np.ones((1, n_words)), counts])


def coefficients(design: Floats, outcomes: Floats, word: Ints, weights: Floats) -> Floats:
    """Least-squares coefficients of ``outcomes`` (n, m) on ``design`` (n, p) for each draw, (1 + draws, p, m).

    ``word`` (n,) is the place of a row's word in ``weights``. NaN for coefficients that the drawn words do not
    determine.
    """
    p, m = design.shape[1], outcomes.shape[1]
    joined = np.concatenate([design, outcomes], axis=1)
    products = np.zeros((weights.shape[1], p * (p + m)))
    np.add.at(products, word, (design[:, :, None] * joined[:, None, :]).reshape(len(design), p * (p + m)))
    moments = (weights @ products).reshape(len(weights), p, p + m)
    gram, cross = moments[:, :, :p], moments[:, :, p:]
    size = np.diagonal(gram, axis1=1, axis2=2)
    # A column that no drawn word has gets a 1 here, and NaN below.
    inverse = _inverses(gram + np.eye(p) * (size == 0)[:, None, :])
    found = inverse @ cross
    # A coefficient is determined where the inverse gives its unit vector back.
    kept = np.einsum("dpq,dqp->dp", inverse, gram)
    found[kept < 1 - 1e-6] = np.nan
    return np.asarray(found)


def _inverses(matrices: Floats) -> Floats:
    """Inverses of symmetric matrices (d, p, p), pseudo-inverses of those that are singular."""
    try:
        found = np.linalg.inv(matrices)
        error = np.abs(found @ matrices - np.eye(matrices.shape[1])).max(axis=(1, 2), initial=0.0)
        singular = ~(error < 1e-6)
    except np.linalg.LinAlgError:
        found, singular = np.empty_like(matrices), np.ones(len(matrices), dtype=np.bool_)
    if singular.any():
        found[singular] = np.linalg.pinv(matrices[singular], rcond=1e-10, hermitian=True)
    return np.asarray(found)


def interval(figures: Floats) -> Interval:
    """The figure of the sample, in front, with the percentiles of those of the draws."""
    if not np.isfinite(figures[0]):
        return Interval(None)
    drawn = figures[1:][np.isfinite(figures[1:])]
    if len(drawn) < len(figures) // 2:
        return Interval(float(figures[0]))
    return Interval(float(figures[0]), *ends_of_draws(drawn))


def strata(values: Floats, most: int) -> Ints:
    """The stratum of each value: up to ``most`` of about equally many values, equal values together."""
    edges = np.unique(np.quantile(values, np.arange(1, most) / most, method="lower"))
    return np.searchsorted(edges, values, side="left")


def dummies(labels: NDArray[np.generic]) -> Floats:
    """A column of 0 and 1 for each distinct label but the first, (n, labels - 1)."""
    distinct, place = np.unique(labels, return_inverse=True)
    return np.eye(len(distinct))[place][:, 1:]
