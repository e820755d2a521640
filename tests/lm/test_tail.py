"""Passes that go on from an edited activation give what whole passes give."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from saetui.lm import LanguageModel
from saetui.lm.full_passes import FullPasses
from saetui.lm.resumed_passes import ResumedPasses
from saetui.lm.tail import Tail, read_tail

from .conftest import FAMILIES, LAYERS

Loader = Callable[[str], LanguageModel]
DECODERS = [family for family in FAMILIES if family != "bert"]
ANSWERS = torch.tensor([5, 9, 30, 11])


def outcome(tail: Tail, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Logits with the activations of some rows moved, and the gradient of one of the logits."""
    generator = torch.Generator().manual_seed(1)
    moved = tail.activations[rows] + torch.randn(len(rows), tail.activations.shape[1], generator=generator)
    logits = tail.logits(rows, moved.requires_grad_())
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), moved)
    return logits.detach(), gradient


@pytest.mark.parametrize("family", DECODERS)
@pytest.mark.parametrize("position", [-4, 0, -1])
def test_every_hook_point_of_every_family_can_be_resumed(
    family: str, position: int, tiny_model: Loader, tokens: Tensor
) -> None:
    model = tiny_model(family)
    rows = torch.tensor([1, 0, 0, 1, 1])
    for name in model.hook_names():
        tail = read_tail(model, name, tokens, position, ANSWERS)
        whole = FullPasses(model, name, tokens, position % 9, ANSWERS)
        assert isinstance(tail, ResumedPasses) == (name != f"blocks.{LAYERS - 1}.hook_resid_post"), name
        torch.testing.assert_close(tail.activations, whole.activations, rtol=1e-5, atol=1e-5)
        for found, expected in zip(outcome(tail, rows), outcome(whole, rows), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
