"""Are words that an SAE absorbs harder for it, and is what is lost there linear or nonlinear?

Joins the verdicts of the absorption study (2409.14507) with the parts of the error (2410.14670). Frequent words are
both absorbed more often and reconstructed better, so differences are also taken within strata of word frequency and of
activation norm, and within words, between SAEs that absorb the word and SAEs that do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from saetui.intervals import Interval
from saetui.together.resampling import (
    DRAWS,
    Floats,
    coefficients,
    dummies,
    interval,
    strata,
    word_weights,
)

ABSORBED: Final = "absorbed"
SILENT: Final = "silent"
FIRES: Final = "fires"
GROUPS: Final = (ABSORBED, SILENT, FIRES)
CONTROLS: Final = ("none", "frequency", "frequency and norm")
# A stratum needs words to compare, and ten of them already take most of a confounder's effect out.
_MOST_STRATA, _WORDS_PER_STRATUM = 10, 20
_FEWEST_WORDS = 2


@dataclass(frozen=True)
class ComparedWords:
    """Words of the first-letter task in one SAE, an entry of each array (n,) a word, each word once.

    ``group`` is "absorbed", "silent" (the main latents are, but the word is not absorbed) or "fires" (a main latent
    does). ``error``, ``linear`` and ``nonlinear`` are the mean norms of the error and of its parts over the word's
    tokens, ``activation`` that of the activation, in model units. The contributions are the mean dot products of each
    part with the error, over the mean squared activation norm: they add up to the squared error's share.
    """

    word: NDArray[np.generic]
    group: NDArray[np.str_]
    frequency: Floats
    activation: Floats
    error: Floats
    linear: Floats
    nonlinear: Floats
    linear_contribution: Floats
    nonlinear_contribution: Floats

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in self.__dataclass_fields__}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"a word has an entry in each array, but their lengths are {lengths}")
        unknown = sorted(set(np.unique(self.group).tolist()) - set(GROUPS))
        if unknown:
            raise ValueError(f"group: must be one of {', '.join(GROUPS)}, not {unknown[0]!r}")
        if len(np.unique(self.word)) < len(self.word):
            raise ValueError("word: a word stands in more than one entry; take means over its tokens first")

    @property
    def comparable(self) -> NDArray[np.bool_]:
        """Words whose norms have logarithms; one that is reconstructed exactly has none."""
        norms = np.stack([self.error, self.linear, self.nonlinear, self.activation])
        return np.asarray(np.all(np.isfinite(norms) & (norms > 0), axis=0))


@dataclass(frozen=True)
class NormDifference:
    """Percent by which the norms of the error and of its parts are larger on absorbed words, in the geometric mean."""

    error: Interval
    linear: Interval
    nonlinear: Interval


@dataclass(frozen=True)
class VerdictDifference(NormDifference):
    """How absorbed words differ from others.

    ``linear_part`` and ``nonlinear_part``: how much more each part contributes to the squared error, as a share of the
    squared activation norm. ``nonlinear_share`` is that of the whole difference, None where there may be none.
    """

    linear_part: Interval
    nonlinear_part: Interval
    nonlinear_share: Interval


@dataclass(frozen=True)
class WithinWords:
    """How the errors of the same words differ between SAEs that absorb them and SAEs that do not.

    ``n_words`` are absorbed in one SAE and of the other group in another.
    """

    n_words: int
    norms: NormDifference


@dataclass(frozen=True)
class Comparison:
    """One SAE's words by group.

    ``share``: mean over words of the error norm over the activation norm. ``linear_part`` and ``nonlinear_part``: what
    each part contributes to the squared error, as a share of the squared activation norm. ``differences``: by the group
    that absorbed words are compared with, "fires" or "silent", and by what is controlled for.
    """

    counts: Mapping[str, int]
    n_left_out: int
    share: Mapping[str, Interval]
    linear_part: Mapping[str, Interval]
    nonlinear_part: Mapping[str, Interval]
    differences: Mapping[tuple[str, str], VerdictDifference]


def compare_verdicts(words: ComparedWords, *, draws: int = DRAWS, seed: int = 0) -> Comparison:
    """Absorbed words of one SAE against words on which its main latents are silent, or fire.

    Intervals are percentiles over ``draws`` resamplings of words. "frequency" compares within up to ten strata of word
    frequency, "frequency and norm" within strata of the activation norm as well, by least squares with an effect for
    each stratum. A figure of fewer than two words has no value.
    """
    kept = words.comparable
    group = words.group[kept]
    counts = {name: int((group == name).sum()) for name in GROUPS}
    outcomes = _outcomes(words)[kept]
    weights = word_weights(len(group), draws=draws, seed=seed)
    levels = np.stack([group == name for name in GROUPS], axis=1).astype(np.float64)
    share = (words.error[kept] / words.activation[kept])[:, None]
    row = np.arange(len(group))
    means = coefficients(levels, np.concatenate([share, outcomes[:, 3:]], axis=1), row, weights)

    def by_group(column: int) -> dict[str, Interval]:
        return {
            name: interval(means[:, place, column]) if counts[name] >= _FEWEST_WORDS else Interval(None)
            for place, name in enumerate(GROUPS)
        }

    differences = {}
    for control, columns in _controls(words, kept).items():
        present = [name for name in GROUPS if counts[name]]
        design = np.concatenate([levels[:, [GROUPS.index(name) for name in present]], columns], axis=1)
        fitted = dict(zip(present, coefficients(design, outcomes, row, weights).swapaxes(0, 1), strict=False))
        for against in (FIRES, SILENT):
            if min(counts[ABSORBED], counts[against]) < _FEWEST_WORDS:
                differences[against, control] = VerdictDifference(*[Interval(None)] * 6)
            else:
                differences[against, control] = _difference(fitted[ABSORBED] - fitted[against])
    return Comparison(counts, int((~kept).sum()), by_group(0), by_group(1), by_group(2), differences)


def compare_within_words(
    saes: Sequence[ComparedWords], *, draws: int = DRAWS, seed: int = 0
) -> Mapping[str, WithinWords]:
    """The same words in several SAEs: how the error differs where the word is absorbed, by the other group.

    Least squares on the logarithms with an effect for each word and for each SAE, so that whatever a word brings along
    is the same on both sides. Intervals over words. Raises ValueError for fewer than two SAEs.
    """
    if len(saes) < 2:
        raise ValueError("to compare a word with itself takes two SAEs or more")
    kept = [sae.comparable for sae in saes]
    group, surface, norms = (
        np.concatenate(parts)
        for parts in (
            [sae.group[of] for sae, of in zip(saes, kept, strict=True)],
            [sae.word[of] for sae, of in zip(saes, kept, strict=True)],
            [_outcomes(sae)[of, :3] for sae, of in zip(saes, kept, strict=True)],
        )
    )
    distinct, word = np.unique(surface, return_inverse=True)
    n_words = len(distinct)
    has = {name: np.bincount(word, group == name, n_words) > 0 for name in GROUPS}
    # A group's effect is against that of the last one there is.
    *present, last = [name for name in reversed(GROUPS) if has[name].any()] or [FIRES]
    sides = [group == name for name in present]
    which = dummies(np.repeat(np.arange(len(saes)), [int(of.sum()) for of in kept]))
    design = _centred(np.concatenate([np.stack(sides, axis=1), which], axis=1) if sides else which, word, n_words)
    weights = word_weights(n_words, draws=draws, seed=seed)
    effects = coefficients(design, _centred(norms, word, n_words), word, weights).swapaxes(0, 1)
    fitted = dict(zip(present, effects, strict=False)) | {last: np.zeros((len(weights), 3))}
    found = {}
    for against in (FIRES, SILENT):
        n_both = int((has[ABSORBED] & has[against]).sum())
        undefined = NormDifference(*[Interval(None)] * 3)
        enough = n_both >= _FEWEST_WORDS
        found[against] = WithinWords(n_both, _norms(fitted[ABSORBED] - fitted[against]) if enough else undefined)
    return found


def _outcomes(words: ComparedWords) -> Floats:
    """Logarithms of the three norms, then the two contributions."""
    with np.errstate(divide="ignore", invalid="ignore"):
        norms = np.log(np.stack([words.error, words.linear, words.nonlinear], axis=1))
    return np.concatenate([norms, np.stack([words.linear_contribution, words.nonlinear_contribution], axis=1)], axis=1)


def _controls(words: ComparedWords, kept: NDArray[np.bool_]) -> dict[str, Floats]:
    n = int(kept.sum())
    most = max(1, min(_MOST_STRATA, n // _WORDS_PER_STRATUM))
    nothing = np.empty((n, 0))
    frequency, norm = (
        dummies(strata(values[kept], most)) if n else nothing for values in (words.frequency, words.activation)
    )
    return dict(zip(CONTROLS, (nothing, frequency, np.concatenate([frequency, norm], axis=1)), strict=True))


def _norms(fitted: Floats) -> NormDifference:
    """From differences of the logarithms of the three norms, (1 + draws, 3)."""
    return NormDifference(*(interval(100 * np.expm1(fitted[:, column])) for column in range(3)))


def _difference(fitted: Floats) -> VerdictDifference:
    """From differences of each outcome, (1 + draws, 5)."""
    norms = _norms(fitted[:, :3])
    parts, whole = fitted[:, 3:], fitted[:, 3:].sum(axis=1)
    ends = interval(whole).ends
    # A share of a difference that may be none says nothing.
    is_one = ends is not None and (ends[0] > 0 or ends[1] < 0)
    share = interval(parts[:, 1] / whole) if is_one else Interval(None)
    return VerdictDifference(
        norms.error, norms.linear, norms.nonlinear, interval(parts[:, 0]), interval(parts[:, 1]), share
    )


def _centred(values: Floats, word: NDArray[np.int64], n_words: int) -> Floats:
    """Values without the mean of their word."""
    sums = np.zeros((n_words, values.shape[1]))
    np.add.at(sums, word, values)
    return values - (sums / np.bincount(word, minlength=n_words)[:, None])[word]
