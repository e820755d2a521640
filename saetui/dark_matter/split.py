"""Contexts for fitting and contexts for judging (2410.14670 splits by token; tokens of one context are too alike)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

TRAIN_SHARE = 0.6


@dataclass(frozen=True)
class ContextSplit:
    """Disjoint contexts on either side, rising."""

    train: Int[Tensor, " contexts"]
    test: Int[Tensor, " contexts"]

    def __post_init__(self) -> None:
        for side, contexts in (("train", self.train), ("test", self.test)):
            if not len(contexts):
                raise ValueError(f"the {side} side of the split has no contexts; give at least one to each side")
        both = self.train[torch.isin(self.train, self.test)]
        if len(both):
            raise ValueError(f"context {int(both[0])} is on both sides of the split; keep each on one side")


def shuffled_contexts(contexts: Int[Tensor, " contexts"], *, seed: int = 0) -> Int[Tensor, " contexts"]:
    """These contexts in random order: a corpus is in some order, so that its first contexts are not representative."""
    return contexts.cpu()[torch.randperm(len(contexts), generator=torch.Generator().manual_seed(seed))]


def draw_contexts(contexts: Int[Tensor, " contexts"], n: int, *, seed: int = 0) -> Int[Tensor, " n"]:
    """At most ``n`` of these contexts, at random, rising; with the same seed, more are the same ones and others."""
    return shuffled_contexts(contexts, seed=seed)[:n].sort().values


def draw_tokens(
    contexts: Int[Tensor, " contexts"],
    lengths: Int[Tensor, " all"],
    n: int,
    *,
    least: int = 1,
    seed: int = 0,
) -> Int[Tensor, " drawn"]:
    """Contexts, at random and rising, until their tokens are ``n`` or all are drawn; ``least`` of them in any case.

    ``lengths`` has the tokens of every context of the corpus, by the context's number.
    """
    shuffled = shuffled_contexts(contexts, seed=seed)
    n_contexts = int((lengths.cpu()[shuffled].cumsum(0) < n).sum()) + 1
    return shuffled[: max(n_contexts, least)].sort().values


def split_contexts(
    contexts: int | Sequence[int] | Int[Tensor, " contexts"], *, train_share: float = TRAIN_SHARE, seed: int = 0
) -> ContextSplit:
    """Put ``train_share`` of the contexts, drawn at random, on the train side; an int stands for 0 … n - 1.

    Raises ValueError where a side would be empty.
    """
    if not 0 < train_share < 1:
        raise ValueError(f"train_share is a share between 0 and 1, not {train_share}")
    ids = torch.arange(contexts) if isinstance(contexts, int) else torch.unique(torch.as_tensor(contexts))
    if len(ids) < 2:
        raise ValueError(f"{len(ids)} contexts cannot be split; give at least 2")
    order = ids[torch.randperm(len(ids), generator=torch.Generator().manual_seed(seed))]
    n_train = min(max(round(train_share * len(ids)), 1), len(ids) - 1)
    return ContextSplit(order[:n_train].sort().values, order[n_train:].sort().values)
