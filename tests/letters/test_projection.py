import pytest
import torch

from saetui.letters.latents import SparseLatents
from saetui.letters.projection import (
    ProjectionRule,
    ProjectionVerdict,
    absorption_fractions,
    projection_scores,
    projection_verdicts,
)


@pytest.mark.parametrize(
    ("main", "absorbers", "fraction"),
    [
        (0.3, 0.5, 0.625),
        (0.3, 0.39, 0.0),
        (0.0, 0.5, 1.0),
        (1.2, 0.5, 0.0),
        (0.8, 0.6, 0.2),
        (-0.1, 0.5, 1.0),
    ],
)
def test_fractions_are_those_worked_out_by_hand(main: float, absorbers: float, fraction: float) -> None:
    of_main, of_absorbers, whole = (torch.tensor([v], dtype=torch.float64) for v in (main, absorbers, 1.0))
    assert float(absorption_fractions(of_main, of_absorbers, whole)) == pytest.approx(fraction, abs=1e-9)


def test_a_word_that_points_away_from_the_letter_is_not_absorbed() -> None:
    main, absorbers = torch.tensor([0.0, 0.0]), torch.tensor([0.5, 0.5])
    assert absorption_fractions(main, absorbers, torch.tensor([-1.0, 0.0])).tolist() == [0.0, 0.0]


def _verdict(
    projections: list[float], cosines: list[float], *, main: float = 0.0, word: float = 1.0, **rule: float
) -> ProjectionVerdict:
    """Latent 0 is the main one; latents 1, 2, … have these projections and cosines."""
    n = len(projections)
    latents = SparseLatents(torch.arange(n + 1)[None], torch.tensor([[main] + [1.0] * n]), n + 1)
    (verdict,) = projection_verdicts(
        latents,
        torch.tensor([[main, *projections]]),
        torch.tensor([1.0, *cosines]),
        torch.tensor([word]),
        [0],
        ProjectionRule(**rule),  # type: ignore[arg-type]
    )
    return verdict


def test_one_latent_in_place_of_the_main_one_absorbs_fully() -> None:
    verdict = _verdict([0.9], [0.3])
    assert verdict == ProjectionVerdict(1.0, True, 0.0, verdict.absorbers)
    assert verdict.absorbers == pytest.approx(0.9)


def test_a_weak_main_latent_is_partial_absorption() -> None:
    verdict = _verdict([0.5], [0.3], main=0.3)
    assert verdict.fraction == pytest.approx(0.625)
    assert not verdict.full


def test_the_three_largest_absorbers_count() -> None:
    verdict = _verdict([0.1, 0.2, 0.3, 0.05], [0.3] * 4, main=0.2)
    assert verdict.absorbers == pytest.approx(0.6)
    assert verdict.fraction == pytest.approx(0.75)
    assert _verdict([0.1, 0.2, 0.3, 0.05], [0.3] * 4, max_absorbers=1).absorbers == pytest.approx(0.3)


def test_absorbers_must_be_aligned() -> None:
    assert _verdict([0.9], [0.0999]).fraction == 0.0
    assert _verdict([0.9], [0.1]).fraction == 1.0
    # Full absorption asks less of the cosine than the fraction does.
    assert _verdict([0.9], [0.05]).full
    assert not _verdict([0.9], [0.0249]).full
    # The largest projection is looked at, not the largest that is aligned.
    assert not _verdict([0.9, 0.5], [0.01, 0.5]).full


def test_full_absorption_needs_a_share_of_the_word() -> None:
    assert _verdict([0.4], [0.3]).full
    assert not _verdict([0.39], [0.3]).full
    assert not _verdict([0.9], [0.3], word=-1.0).full


def test_latents_that_are_silent_or_speak_against_the_letter_absorb_nothing() -> None:
    assert _verdict([-0.9], [0.3]) == ProjectionVerdict(0.0, False, 0.0, 0.0)
    padded = SparseLatents(torch.tensor([[0, 1]]), torch.tensor([[0.0, 0.0]]), 2)
    verdicts = projection_verdicts(padded, torch.tensor([[0.0, 0.9]]), torch.ones(2), torch.ones(1), [0])
    assert verdicts == [ProjectionVerdict(0.0, False, 0.0, 0.0)]
    nothing = SparseLatents(torch.zeros(1, 0, dtype=torch.long), torch.zeros(1, 0), 2)
    assert not projection_verdicts(nothing, torch.zeros(1, 0), torch.ones(2), torch.ones(1), [0])[0].full


def test_a_letter_is_the_mean_of_its_words() -> None:
    scores = projection_scores([_verdict([0.9], [0.3]), _verdict([0.5], [0.3], main=0.3), _verdict([], [])])
    assert scores is not None
    assert scores.mean_fraction == pytest.approx(1.625 / 3)
    assert scores.full_rate == pytest.approx(1 / 3)
    assert projection_scores([]) is None


def test_arguments_of_different_words_are_refused() -> None:
    latents = SparseLatents(torch.zeros(2, 1, dtype=torch.long), torch.ones(2, 1), 3)
    with pytest.raises(ValueError, match=r"do not fit latents \(2, 1\) of width 3"):
        projection_verdicts(latents, torch.ones(2, 1), torch.ones(4), torch.ones(2), [0])
