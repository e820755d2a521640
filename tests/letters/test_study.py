"""The first-letter study from plain Python, as a notebook runs it: a model and SAEs in, results out, no store."""

from pathlib import Path

import pytest
import torch

from saetui.letters import (
    AbsorptionSettings,
    LatentSettings,
    LetterWords,
    NothingFiresError,
    WordSettings,
    study_absorption,
    study_letters,
    study_site,
)
from saetui.letters import study as study_module
from saetui.lm import load_model
from saetui.sae import SAE
from saetui.sae.architectures.standard import StandardSAE
from tests.jobs.kinds.conftest import HOOK, model_folder  # noqa: F401

SETTINGS = WordSettings(examples=5)


@pytest.fixture(scope="module")
def words(model_folder: Path) -> LetterWords:  # noqa: F811
    return LetterWords(load_model(str(model_folder)), SETTINGS)


@pytest.fixture(scope="module")
def letter_sae(words: LetterWords) -> SAE:
    """Latents 0 … 4 read the probe directions of a … e; the others read noise."""
    site = study_site(words, HOOK).site
    generator = torch.Generator().manual_seed(0)
    directions = torch.cat([site.probes.directions[:5], torch.randn(27, 16, generator=generator)])
    directions = directions / directions.norm(dim=1, keepdim=True)
    at_word = words.readings.at_word[HOOK]
    mean = at_word.mean(0)
    read = (at_word - mean) @ directions.T
    # Noise fires on every tenth word; the latent of a letter is silent on the weakest fifth of its words.
    b_enc = -read.quantile(0.9, dim=0)
    for letter in range(5):
        b_enc[letter] = -read[words.letters == letter, letter].quantile(0.2)
    return StandardSAE(W_enc=directions.T.contiguous(), W_dec=directions, b_enc=b_enc, b_dec=mean)


@pytest.mark.slow
def test_latents_that_read_the_probes_are_found_for_their_letters(words: LetterWords, letter_sae: SAE) -> None:
    ((sae_id, found),) = study_letters(words, {"mine": letter_sae}, HOOK, LatentSettings(latents_per_letter=3, max_k=4))
    assert sae_id == "mine"
    for place, letter in enumerate("abcde"):
        (picked,) = [row for row in found.latents[letter] if row.by_encoder]
        assert picked.latent == place
        assert picked.cos_decoder == pytest.approx(1, abs=1e-5)
        assert picked.auroc is not None
        assert picked.auroc > 0.9
        assert found.probe(letter) is not None


@pytest.mark.slow
def test_saes_stream_and_a_silent_one_is_told(words: LetterWords, letter_sae: SAE) -> None:
    silent = StandardSAE(
        W_enc=torch.zeros(16, 32), W_dec=torch.zeros(32, 16), b_enc=torch.zeros(32), b_dec=torch.zeros(16)
    )
    results = study_letters(words, {"mine": letter_sae, "silent": silent}, HOOK)
    assert next(results)[0] == "mine"
    with pytest.raises(NothingFiresError, match="no latent"):
        next(results)


@pytest.mark.slow
def test_absorption_without_answers_has_only_the_projection(words: LetterWords, letter_sae: SAE) -> None:
    study = study_site(words, HOOK)
    found = study.absorption(letter_sae, AbsorptionSettings(max_k=4))
    assert not study.can_answer
    assert found.rate is None
    assert found.ablations == []
    assert found.mean_fraction is not None


@pytest.mark.slow
def test_absorption_counts_words_that_another_latent_takes_over(
    words: LetterWords, letter_sae: SAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "MIN_ACCURACY", 0.0)
    told: list[tuple[int, int]] = []
    settings = AbsorptionSettings(max_k=1, words="all", lead=0.0, min_cosine=-1.0, exact_top=1)
    study = study_site(words, HOOK)
    found = study.absorption(letter_sae, settings, progress=lambda done, total: told.append((done, total)))
    ((_, streamed),) = study_absorption(words, {"mine": letter_sae}, HOOK, settings)
    assert (streamed.rate, streamed.mean_main) == (found.rate, found.mean_main)
    measured = sum(int(of_letter.attributed.sum()) for of_letter in found.judged)
    assert measured > 0
    assert told[-1] == (measured, measured)
    # The leading latent of each measured word was removed once.
    assert sum(len(removed.found.latents) for removed in found.ablations) <= measured
    assert found.rate is not None
    assert 0 <= found.rate <= 1


@pytest.mark.slow
def test_readings_and_probes_are_kept_and_taken_again(model_folder: Path, words: LetterWords) -> None:  # noqa: F811
    class Keep:
        def __init__(self) -> None:
            self.kept: dict[str, dict[str, torch.Tensor]] = {}

        def load(self, name: str, shapes: object) -> dict[str, torch.Tensor] | None:
            return self.kept.get(name)

        def save(self, name: str, tensors: object) -> None:
            self.kept[name] = dict(tensors)  # type: ignore[call-overload]

    keep = Keep()
    first = study_site(LetterWords(words.model, SETTINGS), HOOK, kept=keep)
    assert sorted(keep.kept) == [f"{words.key}/{HOOK}", f"{words.key}/{HOOK}.probes"]
    told: list[int] = []
    again = study_site(
        LetterWords(words.model, SETTINGS), HOOK, kept=keep, progress=lambda done, total: told.append(done)
    )
    assert told == []
    assert torch.equal(again.site.probes.weight, first.site.probes.weight)
    assert again.usable == first.usable
