from dataclasses import replace
from typing import Any

import pytest
import torch

from saetui.letters.latents import SparseLatents
from saetui.letters.probes import train_probes
from saetui.letters.selection_probe import SELECTION, train_selection_probe
from saetui.letters.sparse_probes import SparseProbe, sparse_probes


def _probes(latents: SparseLatents | torch.Tensor, letters: torch.Tensor, **settings: Any) -> dict[int, SparseProbe]:
    """Probes trained and tested on the same words; labels are the letters' numbers."""
    return sparse_probes(latents, letters, latents, letters, **settings)


def _split_letter(n_words: int = 1000) -> tuple[torch.Tensor, torch.Tensor]:
    """Five letters with one latent each, but for letter 0, whose words fire latent 0 or latent 7 in turn."""
    letters = torch.arange(n_words) % 5
    latents = torch.zeros(n_words, 12)
    latents[torch.arange(n_words), letters] = 1
    second = (letters == 0) & (torch.arange(n_words) // 5 % 2 == 0)
    latents[second, 0] = 0
    latents[second, 7] = 1
    return latents, letters


def test_a_split_letter_has_two_main_latents() -> None:
    latents, letters = _split_letter()
    probe = _probes(latents, letters)[0]
    assert sorted(probe.ranked_latents[:2]) == [0, 7]
    assert probe.f1[:2] == [pytest.approx(2 / 3), 1.0]
    assert probe.precision[:2] == [1.0, 1.0]
    assert probe.recall[:2] == [0.5, 1.0]
    assert probe.sum_f1[:2] == [pytest.approx(2 / 3), 1.0]
    assert (probe.n_main, probe.n_extra) == (2, 1)
    assert sorted(probe.main_latents) == [0, 7]


def test_other_letters_need_one_latent() -> None:
    latents, letters = _split_letter()
    probes = _probes(latents, letters)
    assert {letter: probe.main_latents for letter, probe in probes.items() if letter} == {
        1: [1],
        2: [2],
        3: [3],
        4: [4],
    }


@pytest.mark.slow
def test_strings_and_sparse_latents_give_the_same() -> None:
    latents, letters = _split_letter()
    names = ["abcde"[i] for i in letters]
    sparse = SparseLatents.of_dense(latents)
    by_name = sparse_probes(sparse, names, sparse, names)
    by_number = _probes(latents, letters)
    assert list(by_name) == list("abcde")
    assert [p.ranked_latents for p in by_name.values()] == [p.ranked_latents for p in by_number.values()]
    assert [p.f1 for p in by_name.values()] == [p.f1 for p in by_number.values()]


@pytest.mark.slow
def test_latents_that_never_fire_take_no_part() -> None:
    latents, letters = _split_letter()
    probe = train_selection_probe(SparseLatents.of_dense(latents), letters, 5, SELECTION)
    assert probe.latents.tolist() == [0, 1, 2, 3, 4, 7]
    assert probe.weight.shape == (5, 6)
    found = _probes(latents, letters, ks=(1, 2, 50))[1]
    assert found.ks == (1, 2)


@pytest.mark.slow
def test_ranking_is_by_signed_weight() -> None:
    """A latent that fires on all other letters tells the letter well, but speaks against it."""
    letters = torch.arange(600) % 3
    latents = torch.zeros(600, 3)
    latents[:, 0] = (letters != 0).float()
    latents[:300, 1] = (letters[:300] == 0).float()
    latents[:, 2] = 0.1
    assert _probes(latents, letters)[0].ranked_latents == [1, 2, 0]


def test_logits_are_those_of_the_regressions_that_were_measured() -> None:
    latents, letters = _split_letter()
    probe = _probes(latents, letters, ks=(1, 2))[0]
    logits = probe.logits(latents)
    assert logits.shape == (1000, 2)
    assert ((logits[:, 1] > 0) == (letters == 0)).all()
    assert torch.equal(probe.main_logits(latents), logits[:, 1])


def test_a_given_ranking_is_measured_as_it_is() -> None:
    latents, letters = _split_letter()
    probes = _probes(latents, letters, ks=range(1, 4), rankings={0: [3, 7, 0]})
    assert list(probes) == [0]
    assert probes[0].ranked_latents == [3, 7, 0]
    # The first latent fires on another letter's words, so that its regression says no to those and yes to all else.
    assert probes[0].f1 == [pytest.approx(2 / 5), pytest.approx(2 / 3), 1.0]
    assert probes[0].main_latents == [3, 7, 0]


def test_validation_words_choose_where_the_test_words_would_choose_otherwise() -> None:
    latents, letters = _split_letter()
    unsplit = latents.clone()
    unsplit[:, 0] += unsplit[:, 7]
    unsplit[:, 7] = 0
    by_test = sparse_probes(latents, letters, unsplit, letters, rankings={0: [0, 7]}, ks=(1, 2))[0]
    by_val = sparse_probes(latents, letters, unsplit, letters, rankings={0: [0, 7]}, ks=(1, 2), select_on="val")[0]
    assert by_test.main_latents == [0]
    assert by_test.selection_f1 == by_test.f1 == [1.0, 1.0]
    assert by_val.f1 == [1.0, 1.0]
    assert by_val.main_latents == [0, 7]
    assert by_val.selection_f1[1] == 1.0
    assert by_val.selection_f1[0] < 0.8


def test_rankings_are_the_same_for_the_same_seed() -> None:
    latents, letters = _split_letter()
    first, again = (_probes(latents, letters, settings=replace(SELECTION, epochs=3)) for _ in "12")
    assert [p.ranked_latents for p in first.values()] == [p.ranked_latents for p in again.values()]


def test_small_vocabularies_take_32_steps_an_epoch_unless_parity_is_asked() -> None:
    assert SELECTION.batch_for(3200) == 100
    assert replace(SELECTION, parity=True).batch_for(3200) == 4096


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_labels": [0, 1]}, "train_latents has 4 words, train_labels 2"),
        ({"train_labels": [0, 0, 0, 0]}, "fewer than two labels"),
        ({"test_latents": torch.ones(4, 3)}, "4 latents, test_latents 3"),
        ({"train_latents": torch.zeros(4, 4)}, "no latent fires"),
        ({"ks": [2, 1]}, "rise"),
        ({"ks": []}, "rise"),
        ({"rankings": {9: [0]}}, "names 9"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "train_latents": torch.eye(4),
        "train_labels": [0, 1, 0, 1],
        "test_latents": torch.eye(4),
        "test_labels": [0, 1, 0, 1],
    }
    with pytest.raises(ValueError, match=message):
        sparse_probes(**(good | arguments))


@pytest.mark.slow
def test_the_selection_probe_ends_where_a_dense_one_does() -> None:
    """The same loss by autograd on dense latents, from another start; weights that only noise asks for are near 0."""
    generator = torch.Generator().manual_seed(0)
    letters = torch.arange(1300) % 26
    latents = 2 * torch.rand(1300, 60, generator=generator) * (torch.rand(1300, 60, generator=generator) < 0.05)
    latents[torch.arange(1300), letters] += 2.0 * (torch.rand(1300, generator=generator) < 0.9)
    sparse = train_selection_probe(SparseLatents.of_dense(latents), letters, 26, SELECTION)
    dense = train_probes(latents, letters, SELECTION)
    torch.testing.assert_close(sparse.weight, dense.weight, rtol=0, atol=0.25)
    torch.testing.assert_close(sparse.bias, dense.bias, rtol=0, atol=0.25)
    noise = sparse.weight[:, 26:].abs()
    unpunished = train_selection_probe(SparseLatents.of_dense(latents), letters, 26, replace(SELECTION, l1=0.0))
    assert float(noise.median()) < 0.01 < 0.1 < float(unpunished.weight[:, 26:].abs().median())
