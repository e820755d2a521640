"""A model small enough to do by hand: its activation is the one-hot of the token, its logits ten times the activation.

It predicts a repetition. It stands in for LanguageModel in what the error study asks of one.
"""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.lm import HookPointError, TokenizedCorpus

VOCABULARY = 5
HOOKS = ["early", "site"]


class CopyModel:
    device = torch.device("cpu")
    vocabulary_size = VOCABULARY

    def __init__(self) -> None:
        self.passes = 0

    def hook_names(self) -> list[str]:
        return HOOKS

    def site(self, hook_name: str) -> SimpleNamespace:
        return SimpleNamespace(width=VOCABULARY)

    def check_width(self, hook_name: str, d_in: int) -> None:
        if hook_name not in HOOKS or d_in != VOCABULARY:
            raise HookPointError(f"{hook_name} is not {d_in} wide")

    def activations(self, tokens: Int[Tensor, "b t"], hook_name: str) -> Float[Tensor, "b t v"]:
        return torch.eye(VOCABULARY)[tokens]

    def activations_at(
        self, tokens: Int[Tensor, "b t"], hook_names: Sequence[str], attention_mask: Tensor | None = None
    ) -> dict[str, Float[Tensor, "b t v"]]:
        self.passes += 1
        return {name: self.activations(tokens, name) * (2 if name == "early" else 1) for name in hook_names}

    def logits(self, tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b t v"]:
        return 10 * torch.eye(VOCABULARY)[tokens]

    def logits_with(
        self, tokens: Int[Tensor, "b t"], hook_name: str, edit: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "b t v"]:
        return 10 * edit(torch.eye(VOCABULARY)[tokens])


class ScalingSAE:
    """Gives every activation back times a factor; one latent a dimension."""

    d_in, device = VOCABULARY, torch.device("cpu")

    def __init__(self, factor: float, hook_name: str | None = "site", d_in: int = VOCABULARY) -> None:
        self.factor, self.hook_name, self.d_in = factor, hook_name, d_in

    def to(self, device: torch.device) -> "ScalingSAE":
        return self

    def encode_sparse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.arange(VOCABULARY).expand(len(x), -1), x * self.factor

    def decode_sparse(self, indices: Tensor, values: Tensor) -> Tensor:
        return values

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.factor * x


def random_corpus(contexts: int = 12, length: int = 20, seed: int = 0) -> TokenizedCorpus:
    """Random tokens; the first of each context is special, and the last context is half as long."""
    tokens = torch.randint(VOCABULARY, (contexts, length), generator=torch.Generator().manual_seed(seed))
    lengths = torch.full((contexts,), length)
    lengths[-1] = length // 2
    mask = (torch.arange(length) > 0) & (torch.arange(length) < lengths[:, None])
    return TokenizedCorpus("corpus", "random", "here", tokens, mask, lengths, "hash")
