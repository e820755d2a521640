"""The loss with an SAE in place: on a model small enough to do by hand."""

from collections.abc import Callable

import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.errors import DownstreamLoss, downstream_loss

VOCABULARY = 5


class CopyModel:
    """Its activation is the one-hot of the token, its logits ten times the activation: it predicts a repetition."""

    device = torch.device("cpu")

    def check_width(self, hook_name: str, d_in: int) -> None:
        assert (hook_name, d_in) == ("site", VOCABULARY)

    def logits(self, tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b t v"]:
        return 10 * torch.eye(VOCABULARY)[tokens]

    def logits_with(
        self, tokens: Int[Tensor, "b t"], hook_name: str, edit: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "b t v"]:
        return 10 * edit(torch.eye(VOCABULARY)[tokens])


class ScalingSAE:
    """Gives every activation back times a factor."""

    hook_name, d_in = "site", VOCABULARY

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def encode_sparse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.arange(VOCABULARY).expand(len(x), -1), x * self.factor

    def decode_sparse(self, indices: Tensor, values: Tensor) -> Tensor:
        return values


TOKENS = torch.tensor([[0, 2, 2, 2], [0, 3, 3, 4]])
COUNTED = torch.tensor([[False, True, True, True], [False, True, True, False]])


def loss(factor: float) -> DownstreamLoss:
    return downstream_loss(CopyModel(), ScalingSAE(factor), TOKENS, COUNTED)  # type: ignore[arg-type]


def test_a_perfect_sae_recovers_everything() -> None:
    assert loss(1.0).recovered == pytest.approx(1.0)


def test_an_sae_that_gives_nothing_is_zero_ablation() -> None:
    measured = loss(0.0)
    assert measured.recovered == pytest.approx(0.0)
    assert measured.zeroed == pytest.approx(torch.tensor(5.0).log().item())


def test_only_counted_positions_are_judged() -> None:
    # The repetitions 2 2, 2 2 and 3 3 count; 0 2, 0 3 and 3 4 do not.
    clean = -torch.log_softmax(torch.tensor([10.0, 0, 0, 0, 0]), 0)[0].item()
    assert loss(1.0).clean == pytest.approx(clean)


def test_no_effect_has_no_share_recovered() -> None:
    assert DownstreamLoss(clean=2.0, reconstructed=2.0, zeroed=2.0005).recovered is None


def test_nothing_to_judge_is_an_error() -> None:
    with pytest.raises(ValueError, match="no two counted tokens"):
        downstream_loss(CopyModel(), ScalingSAE(1.0), TOKENS, torch.zeros_like(COUNTED))  # type: ignore[arg-type]
