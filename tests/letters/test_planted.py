"""Every measurement of the first-letter study on words whose absorption is planted, so that all figures are known."""

from dataclasses import dataclass
from functools import cache

import pytest
import torch

from saetui.letters import (
    LETTERS,
    LetterRate,
    SparseProbe,
    absorption_candidates,
    draw_order,
    letter_latents,
    mean_rate,
    paper_verdicts,
    projection_scores,
    projection_verdicts,
    sample_words,
    sparse_probes,
)
from saetui.letters.absorption import MAX_WORDS
from tests.letters.planted import N_ABSORBED, N_LETTERS, N_WORDS, Planted, planted


@dataclass(frozen=True)
class Expected:
    delta: float
    activation: float
    recall: float
    f1: float
    rate: float
    fraction: float
    full: float


EXPECTED = [
    Expected(1.0, 0.0, 0.8, 8 / 9, 0.2, 0.2, 0.2),
    Expected(0.5, 0.5, 1.0, 1.0, 0.0, 0.1, 0.0),
    Expected(0.3, 0.7, 1.0, 1.0, 0.0, 0.0, 0.0),
]
each_delta = pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: f"delta={expected.delta}")


@cache
def _study(delta: float, absorbing_letters: int = N_LETTERS) -> tuple[Planted, dict[int, SparseProbe]]:
    words = planted(delta, absorbing_letters=absorbing_letters)
    return words, sparse_probes(words.latents, words.letters, words.latents, words.letters)


def _rates(words: Planted, probes: dict[int, SparseProbe], max_words: int = MAX_WORDS) -> list[LetterRate]:
    """The paper's metric of every letter, each effect once by the gradient and once by decoding without the latent."""
    rates = []
    for letter, probe in probes.items():
        right = (words.letters == letter) & (words.probes.logits(words.activations)[:, letter] > 0)
        latents, x = words.latents.rows(right), words.activations[right]
        candidates = absorption_candidates(latents, probe)
        sampled = sample_words(candidates, draw_order(len(x), seed=letter), max_words)
        chosen = latents.rows(sampled)
        decoder = words.sae.decoder_directions()
        written = decoder[chosen.indices] * chosen.values[..., None]
        by_gradient = -(written @ words.effect_directions(letter))
        clean = words.margins(x[sampled], letter)
        without = words.margins((x[sampled][:, None] - written).flatten(0, 1), letter).view(chosen.values.shape)
        torch.testing.assert_close(without - clean[:, None], by_gradient)
        verdicts = paper_verdicts(
            chosen.indices, chosen.values, by_gradient, decoder @ words.probes.directions[letter], probe.main_latents
        )
        for verdict, word in zip(verdicts, right.nonzero()[:, 0][sampled].tolist(), strict=True):
            assert words.absorbed[word]
            assert (verdict.latent, verdict.second_effect) == (N_LETTERS + word, 0.0)
            assert verdict.effect == pytest.approx(-10, abs=1e-5)
            assert verdict.cosine == pytest.approx(0.5**0.5)
        absorbed = sum(verdict.absorbed for verdict in verdicts)
        rates.append(LetterRate(int(right.sum()), int(candidates.sum()), len(verdicts), absorbed))
    return rates


@each_delta
def test_reconstructions_and_letter_latents(expected: Expected) -> None:
    words, _ = _study(expected.delta)
    torch.testing.assert_close(words.sae.reconstruct(words.activations), words.activations)
    on_absorbed = words.sae.encode(words.activations)[words.absorbed]
    of_letter = on_absorbed.gather(1, words.letters[words.absorbed][:, None])
    torch.testing.assert_close(of_letter, torch.full_like(of_letter, expected.activation))
    assert words.margins(words.activations[:N_WORDS], 0).tolist() == [10.0] * N_WORDS
    assert (words.probes.logits(words.activations) > 0).sum() == N_LETTERS * N_WORDS


@each_delta
def test_the_letter_latent_as_a_classifier(expected: Expected) -> None:
    words, _ = _study(expected.delta)
    encoder, decoder = words.sae.encoder_directions(), words.sae.decoder_directions()
    found = letter_latents(words.latents, words.letters, encoder, decoder, words.probes.directions)
    for i in range(N_LETTERS):
        best = found[LETTERS[i]][0]
        assert (best.latent, best.precision) == (i, 1.0)
        assert best.recall == pytest.approx(expected.recall)
        assert best.f1 == pytest.approx(expected.f1)


@each_delta
def test_sparse_probes_and_main_latents(expected: Expected) -> None:
    words, probes = _study(expected.delta)
    for letter, probe in probes.items():
        assert probe.main_latents == [letter]
        assert probe.f1[0] == pytest.approx(expected.f1)
        assert probe.precision[0] == 1.0
        if expected.delta == 1:
            # Each further latent tells one more word: an F1 of 82/91 after 80/90.
            assert probe.f1[1] == pytest.approx(82 / 91)
            following = torch.tensor(probe.ranked_latents[1 : 1 + N_ABSORBED]) - N_LETTERS
            assert words.absorbed[following].all()
            assert (words.letters[following] == letter).all()
            assert probe.f1[N_ABSORBED] == 1.0


@each_delta
@pytest.mark.parametrize("max_words", [MAX_WORDS, 5])
def test_the_paper_metric_gives_the_planted_rate(expected: Expected, max_words: int) -> None:
    """A sample of five of the ten candidates gives the same rate, since all of them are absorbed."""
    rates = _rates(*_study(expected.delta), max_words)
    assert [rate.rate for rate in rates] == pytest.approx([expected.rate] * N_LETTERS)
    assert mean_rate(rates) == pytest.approx(expected.rate)
    if expected.rate:
        assert {rate.portion for rate in rates} == {min(1.0, max_words / N_ABSORBED)}
        assert {rate.n_absorbed for rate in rates} == {min(N_ABSORBED, max_words)}
    else:
        assert {rate.n_candidates for rate in rates} == {0}


def test_a_letter_without_candidates_counts_as_0() -> None:
    rates = _rates(*_study(1.0, absorbing_letters=4))
    assert [rate.n_candidates for rate in rates] == [10, 10, 10, 10, 0]
    assert mean_rate(rates) == pytest.approx(0.16)
    assert mean_rate(rates, parity=True) == pytest.approx(0.2)


@each_delta
def test_the_projection_metric_gives_the_planted_fraction(expected: Expected) -> None:
    words, probes = _study(expected.delta)
    decoder = words.sae.decoder_directions()
    for letter, probe in probes.items():
        of_letter = words.letters == letter
        latents, direction = words.latents.rows(of_letter), words.probes.directions[letter]
        cosines = decoder @ direction
        verdicts = projection_verdicts(
            latents,
            latents.values * cosines[latents.indices],
            cosines,
            words.activations[of_letter] @ direction,
            probe.main_latents,
        )
        scores = projection_scores(verdicts)
        assert scores is not None
        assert scores.mean_fraction == pytest.approx(expected.fraction)
        assert scores.full_rate == pytest.approx(expected.full)
        assert {verdict.fraction > 0 for verdict in verdicts[N_ABSORBED:]} == {False}
