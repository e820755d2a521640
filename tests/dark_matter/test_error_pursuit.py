"""An error study's tokens pursued: in the units of the SAE, over all texts, and with what is wrong said."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from jaxtyping import Int
from torch import Tensor

from saetui.dark_matter import ErrorBatch
from saetui.dark_matter.error_pursuit import ErrorPursuit, pursuit_tokens
from saetui.dark_matter.settings import ErrorSettings
from saetui.sae.architectures.topk import TopKSAE

D, CONTEXTS, LENGTH = 16, 60, 10
HELD_OUT = torch.arange(0, CONTEXTS, 2)


class Tokens:
    """Activations whose direction is a bias and three atoms of an orthonormal dictionary, at any length."""

    def __init__(self, l0: int = 3) -> None:
        generator = torch.Generator().manual_seed(0)
        n = CONTEXTS * LENGTH
        self.bias = torch.full((D,), 0.5)
        codes = torch.zeros(n, D)
        atoms = torch.rand(n, D, generator=generator).topk(3, dim=1).indices
        codes.scatter_(1, atoms, 1 + torch.rand(n, 3, generator=generator))
        # As long as makes bias and atoms a vector of the norm that activations are rescaled to.
        a, b = codes.square().sum(1), (codes @ self.bias)
        c = self.bias.square().sum() - D
        codes *= ((-b + (b * b - a * c).sqrt()) / a)[:, None]
        self.x = (self.bias + codes) * (1 + 9 * torch.rand(n, 1, generator=generator))
        self.context = torch.arange(CONTEXTS).repeat_interleave(LENGTH)
        self.l0 = l0
        self.read: list[int] = []

    def __call__(self, contexts: Int[Tensor, " m"]) -> Iterator[ErrorBatch]:
        self.read += contexts.tolist()
        for some in contexts.split(4):
            rows = torch.isin(self.context, some).nonzero(as_tuple=True)[0]
            x = self.x[rows]
            l0 = torch.full((len(rows),), self.l0)
            yield ErrorBatch(x, {"sae": 0.5 * x}, self.context[rows], rows % LENGTH, l0={"sae": l0})


def made_sae(bias: Tensor, directions: Tensor) -> TopKSAE:
    sae = TopKSAE(
        W_enc=directions.T.contiguous(),
        W_dec=directions,
        b_dec=bias,
        b_enc=torch.zeros(len(directions)),
        latents_kept=3,
        metadata={},
        workbench={},
    )
    sae.normalization = "constant_norm_rescale"
    return sae


def pursuit_of(tokens: Tokens, **changes: Any) -> tuple[ErrorPursuit, list[str]]:
    log: list[str] = []
    settings = replace(ErrorSettings(pursuit_tokens=200), **changes)
    lengths = torch.full((CONTEXTS,), LENGTH)
    return ErrorPursuit(settings, tokens, HELD_OUT, lengths, D, log=log.append), log


def test_an_sae_that_rescales_each_token_is_pursued_in_its_own_units() -> None:
    tokens = Tokens()
    pursued = pursuit_of(tokens)[0].pursue("sae", made_sae(tokens.bias, torch.eye(D)))
    assert pursued is not None
    assert pursued.figures["fvu_pursuit"].value == pytest.approx(0, abs=1e-9)
    assert pursued.figures["fvu_same_tokens"].value > 0.1  # type: ignore[operator]
    assert pursued.figures["fvu_nonlinear_same_tokens"].value == pytest.approx(0, abs=1e-6)


def test_tokens_are_of_held_out_contexts_all_over_the_corpus() -> None:
    tokens = Tokens()
    pursuit, _ = pursuit_of(tokens)
    assert len(pursuit) == 200
    assert torch.isin(torch.tensor(tokens.read), HELD_OUT).all()
    assert tokens.read != HELD_OUT[:20].tolist()
    assert min(tokens.read) < CONTEXTS / 4
    assert max(tokens.read) > 3 * CONTEXTS / 4
    again = Tokens()
    pursuit_of(again)
    assert again.read == tokens.read
    pursuit_of(other := Tokens(), seed=1)
    assert other.read != tokens.read


def test_by_default_as_many_as_a_reliable_fit_takes() -> None:
    settings = ErrorSettings()
    assert pursuit_tokens(settings, 128) == 35 * 128
    assert pursuit_tokens(replace(settings, test_share=0.5), 128) == 42 * 128
    assert pursuit_tokens(replace(settings, pursuit_tokens=7), 128) == 7


def test_few_tokens_are_said_once_and_the_errors_of_too_few_are_not_split() -> None:
    tokens = Tokens()
    sae = made_sae(tokens.bias, torch.eye(D))
    pursuit, log = pursuit_of(tokens)
    assert pursuit.pursue("sae", sae) is not None
    assert pursuit.pursue("sae", sae) is not None
    (note,) = pursuit.notes
    assert note.startswith("pursuit: 120 train tokens are 7.5 for each of 16 dimensions")
    assert log == [note]
    fewer, _ = pursuit_of(tokens, pursuit_tokens=10, test_share=0.8)
    assert len(fewer) == 100
    assert fewer.pursue("sae", sae) is None
    assert "needs 48 at least" in fewer.notes[0]


def test_tokens_that_are_not_finite_are_left_out_and_counted() -> None:
    tokens = Tokens()
    tokens.x[tokens.context == 0, 3] = torch.nan
    pursuit, _ = pursuit_of(tokens, pursuit_tokens=300)
    assert len(pursuit) == 290
    assert pursuit.notes == ["pursuit: 10 tokens with values that are not finite were left out"]
    assert pursuit.pursue("sae", made_sae(tokens.bias, torch.eye(D))) is not None


def test_targets_that_are_cut_are_counted() -> None:
    tokens = Tokens(l0=600)
    directions = torch.nn.functional.normalize(torch.randn(700, D, generator=torch.Generator().manual_seed(0)))
    pursuit, _ = pursuit_of(tokens)
    assert pursuit.pursue("sae", made_sae(tokens.bias, directions)) is not None
    assert "pursuit: the L0 of 200 of 200 tokens was cut to 512 for sae" in pursuit.notes


def test_a_dead_sae_is_not_pursued() -> None:
    tokens = Tokens(l0=0)
    pursuit, _ = pursuit_of(tokens)
    assert pursuit.pursue("sae", made_sae(tokens.bias, torch.eye(D))) is None
    assert pursuit.notes == ["pursuit: no latent of sae fires"]
