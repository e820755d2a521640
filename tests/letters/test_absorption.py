import pytest
import torch

from saetui.letters.absorption import (
    AbsorptionRule,
    LetterRate,
    PaperVerdict,
    absorption_candidates,
    draw_order,
    mean_rate,
    paper_verdicts,
    sample_words,
)
from saetui.letters.latents import SparseLatents
from saetui.letters.sparse_probes import sparse_probes

WIDTH = 50


def _verdict(
    effects: list[float],
    *,
    cosine: float = 0.5,
    main_activation: float = 0.0,
    rule: AbsorptionRule | None = None,
    width: int = WIDTH,
) -> PaperVerdict:
    """One word on which latents 1, 2, … fire with these effects, and main latent 0 with its activation."""
    n = len(effects)
    cosines = torch.zeros(width)
    cosines[1] = cosine
    (verdict,) = paper_verdicts(
        torch.arange(n + 1)[None],
        torch.tensor([[main_activation] + [1.0] * n]),
        torch.tensor([[0.0, *effects]]),
        cosines,
        [0],
        rule,
    )
    return verdict


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (_verdict([-1.5, 0.8]), "absorbed"),
        (_verdict([-1.5, -0.2], main_activation=0.1), "fires"),
        (_verdict([-1.5, -0.2], main_activation=9e-9), "absorbed"),
        (_verdict([-1.5, -0.2], cosine=0.0249), "not aligned"),
        (_verdict([-1.5, -0.2], cosine=0.025), "absorbed"),
        (_verdict([-1.25, -0.251]), "no lead"),
        (_verdict([-1.25, -0.25]), "absorbed"),
        (_verdict([0.5, 2.0]), "helps"),
        (_verdict([-1.0]), "absorbed"),
        (_verdict([]), "helps"),
    ],
)
def test_each_condition_by_hand(verdict: PaperVerdict, outcome: str) -> None:
    assert verdict.outcome == outcome
    assert verdict.absorbed == (outcome == "absorbed")


def test_a_verdict_says_what_it_rests_on() -> None:
    verdict = _verdict([-1.5, -0.25])
    assert (verdict.latent, verdict.effect, verdict.second_effect, verdict.lead) == (1, -1.5, -0.25, 1.25)
    assert verdict.cosine == 0.5
    silent = _verdict([])
    assert (silent.latent, silent.effect, silent.lead) == (None, 0.0, 0.0)


def test_thresholds_decide_the_verdict() -> None:
    assert _verdict([-1.5, -0.2], rule=AbsorptionRule(lead=1.4)).outcome == "no lead"
    assert _verdict([-1.5, -0.2], rule=AbsorptionRule(min_cosine=0.6)).outcome == "not aligned"
    assert _verdict([-0.6], rule=AbsorptionRule(lead=0.5, min_cosine=0.5)).absorbed


def test_parity_differs_only_where_no_latent_is_silent() -> None:
    """A positive second effect shortens the authors' lead; a silent latent's 0 comes before it, in any sparse SAE."""
    parity = AbsorptionRule(parity=True)
    assert _verdict([-1.5, 0.8], main_activation=9e-9, rule=parity).absorbed
    # Three latents in all; the third is what follows the first.
    everything = (torch.tensor([[1, 2]]), torch.ones(1, 2), torch.tensor([[-1.5, 0.8]]), torch.tensor([0.5, 0.5, 0.5]))
    assert paper_verdicts(*everything, [0], parity)[0].lead == 1.5
    no_silent = (torch.tensor([[0, 1]]), torch.ones(1, 2), torch.tensor([[-1.5, 0.75]]), torch.tensor([0.5, 0.5]))
    (theirs,), (ours,) = paper_verdicts(*no_silent, [], parity), paper_verdicts(*no_silent, [])
    assert (theirs.lead, theirs.outcome) == (0.75, "no lead")
    assert (ours.lead, ours.outcome) == (1.5, "absorbed")


def test_latents_outside_the_cosines_are_refused() -> None:
    with pytest.raises(ValueError, match="indices has latent 4"):
        paper_verdicts(torch.tensor([[4]]), torch.ones(1, 1), torch.ones(1, 1), torch.ones(3), [])


def test_without_words_there_are_no_verdicts() -> None:
    assert (
        paper_verdicts(torch.zeros(0, 2, dtype=torch.long), torch.zeros(0, 2), torch.zeros(0, 2), torch.ones(3), [])
        == []
    )


def test_candidates_are_missed_by_the_main_latents_and_by_their_probe() -> None:
    letters = torch.tensor([0] * 50 + [1] * 150)
    latents = torch.zeros(200, 4)
    latents[:40, 0] = 1
    latents[50:, 1] = 1
    latents[:, 2] = 0.5
    probe = sparse_probes(latents, letters, latents, letters, ks=(1, 2, 3), rankings={0: [0, 2, 1]})[0]
    assert probe.main_latents == [0]
    of_letter = SparseLatents.of_dense(latents[:50])
    assert absorption_candidates(of_letter, probe).nonzero()[:, 0].tolist() == list(range(40, 50))


def test_the_probe_can_hold_a_word_that_the_main_latents_miss() -> None:
    """A latent that speaks against the letter: silence alone makes the probe say yes."""
    letters = torch.tensor([0] * 50 + [1] * 150)
    latents = torch.zeros(200, 2)
    latents[50:, 0] = 1
    probe = sparse_probes(latents, letters, latents, letters, ks=(1,), rankings={0: [0]})[0]
    assert not absorption_candidates(SparseLatents.of_dense(latents[:50]), probe).any()


def test_samples_grow_without_changing() -> None:
    candidates = torch.arange(300) % 3 == 0
    draw = draw_order(300, seed=1)
    assert sorted(draw.tolist()) == list(range(300))
    five = sample_words(candidates, draw, 5)
    assert sample_words(candidates, draw, 20)[:5].tolist() == five.tolist()
    assert candidates[five].all()
    assert len(sample_words(candidates, draw)) == 100
    assert draw_order(300, seed=1).tolist() == draw.tolist() != draw_order(300, seed=2).tolist()


def test_rates_scale_a_sample_up_to_all_candidates() -> None:
    letter = LetterRate(n_words=50, n_candidates=10, n_sampled=5, n_absorbed=4)
    assert letter.portion == 0.5
    assert letter.rate == pytest.approx(8 / 50)


def test_letters_without_candidates_count_as_0() -> None:
    letters = [LetterRate(50, 10, 10, 10), LetterRate(50, 0, 0, 0), LetterRate(0, 0, 0, 0)]
    assert letters[1].portion == 1.0
    assert mean_rate(letters) == pytest.approx(0.1)
    assert mean_rate(letters, parity=True) == pytest.approx(0.2)
    assert mean_rate([]) is None
