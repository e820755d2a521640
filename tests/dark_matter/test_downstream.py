"""The loss with an SAE in place: on a model small enough to do by hand."""

import pytest
import torch

from saetui.dark_matter import DownstreamLoss, downstream_loss, token_losses
from tests.dark_matter.copy_model import CopyModel, ScalingSAE

TOKENS = torch.tensor([[0, 2, 2, 2], [0, 3, 3, 4]])
COUNTED = torch.tensor([[False, True, True, True], [False, True, True, False]])
CLEAN = -torch.log_softmax(torch.tensor([10.0, 0, 0, 0, 0]), 0)[0].item()
GUESS = torch.tensor(5.0).log().item()


def loss(factor: float) -> DownstreamLoss:
    return downstream_loss(CopyModel(), ScalingSAE(factor), TOKENS, COUNTED)  # type: ignore[arg-type]


def test_a_perfect_sae_recovers_everything() -> None:
    assert loss(1.0).recovered == pytest.approx(1.0)


def test_an_sae_that_gives_nothing_is_zero_ablation() -> None:
    measured = loss(0.0)
    assert measured.recovered == pytest.approx(0.0)
    assert measured.zeroed == pytest.approx(GUESS)


def test_only_counted_positions_are_judged() -> None:
    # The repetitions 2 2, 2 2 and 3 3 count; 0 2, 0 3 and 3 4 do not.
    assert loss(1.0).clean == pytest.approx(CLEAN)


def test_no_effect_has_no_share_recovered() -> None:
    assert DownstreamLoss(clean=2.0, reconstructed=2.0, zeroed=2.0005).recovered is None


def test_nothing_to_judge_is_an_error() -> None:
    with pytest.raises(ValueError, match="no two counted tokens"):
        downstream_loss(CopyModel(), ScalingSAE(1.0), TOKENS, torch.zeros_like(COUNTED))  # type: ignore[arg-type]


def test_losses_of_each_token() -> None:
    saes = {"same": ScalingSAE(1.0), "nothing": ScalingSAE(0.0)}
    measured = token_losses(
        CopyModel(),  # type: ignore[arg-type]
        saes,  # type: ignore[arg-type]
        TOKENS,
        COUNTED,
        contexts=torch.tensor([7, 9]),
        batch_size=1,
    )
    assert measured.context.tolist() == [7, 7, 9]
    assert measured.position.tolist() == [1, 2, 1]
    assert measured.clean.tolist() == pytest.approx([CLEAN] * 3, abs=1e-6)
    assert measured.saes["same"].tolist() == pytest.approx([CLEAN] * 3, abs=1e-6)
    assert measured.saes["nothing"].tolist() == pytest.approx([GUESS] * 3)


def test_losses_of_saes_at_two_hook_points_are_refused() -> None:
    saes = {"a": ScalingSAE(1.0), "b": ScalingSAE(1.0, "early")}
    with pytest.raises(ValueError, match="a is at site, but b at early"):
        token_losses(CopyModel(), saes, TOKENS, COUNTED)  # type: ignore[arg-type]
