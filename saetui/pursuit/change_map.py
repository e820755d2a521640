"""What pursuit changes of an SAE's reconstructions, predicted linearly from the activation.

A pursuit's error is the SAE's own less this change, and so are their linear parts: what is fitted, on the few tokens
for which there is time, is the difference alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Int
from torch import Tensor

from saetui.lm import harvest
from saetui.pursuit.encoders import Encoders
from saetui.pursuit.exceptions import PursuitError
from saetui.pursuit.search import Progress
from saetui.regression.statistics import LinearMap, Predictors, Targets

if TYPE_CHECKING:
    from saetui.lm import LanguageModel, TokenizedCorpus

# Tokens for each dimension of the activations: as many as are wanted, unless that is more than _ENOUGH in all; how many
# are wanted then; and how many it takes for any fit.
_MANY, _FEW, _LEAST = 100, 20, 3
_ENOUGH = 20_000


@dataclass(frozen=True)
class ChangeSample:
    """The tokens on which a change is fitted."""

    contexts: Int[Tensor, " m"]
    """Contexts that are read, in this order, until there are ``n`` tokens."""
    n: int
    least: int
    """Tokens without which there is no fit."""

    @property
    def is_enough(self) -> bool:
        return self.n >= self.least

    @classmethod
    def of(
        cls, corpus: TokenizedCorpus, width: int, *, held_out: Int[Tensor, " m"] | None, n: int | None, seed: int
    ) -> ChangeSample:
        """``n`` tokens outside the ``held_out`` contexts; by default 20 to 100 for each of ``width`` dimensions."""
        order = torch.randperm(corpus.n_contexts, generator=torch.Generator().manual_seed(seed))
        contexts = order if held_out is None else order[~torch.isin(order, held_out)]
        wanted = max(_FEW * width, min(_MANY * width, _ENOUGH)) if n is None else n
        return cls(contexts, min(wanted, int(corpus.mask[contexts].sum())), _LEAST * width)


def fit_change_map(
    model: LanguageModel,
    corpus: TokenizedCorpus,
    hook_name: str,
    encoders: Encoders,
    sample: ChangeSample,
    *,
    method: str = "persistent",
    l0: int | None = None,
    progress: Progress = lambda *_: None,
    check: Callable[[], None] = lambda: None,
) -> LinearMap:
    """The map; ``l0`` latents per token, by default as many as the SAE itself uses. ``check`` may raise to stop.

    Raises:
        PursuitError: the tokens do not determine a map.
    """
    predictors = Predictors()
    changes = Targets(predictors)
    for batch in harvest(model, corpus, hook_name, contexts=sample.contexts):
        x = batch.activations[hook_name][: sample.n - predictors.n]
        x = x[torch.isfinite(x).all(1)]
        own = encoders.own(x)
        pursued, _ = encoders.pursue(x, own.l0 if l0 is None else l0, method, progress=lambda *_: check())
        shifted = predictors.shifted(x)
        changes.add(shifted, (pursued.reconstruction - own.reconstruction).double())
        predictors.add(shifted)
        progress(predictors.n, sample.n)
        if predictors.n >= sample.n:
            break
    try:
        return changes.solve()
    except ValueError as error:
        raise PursuitError(f"fit_tokens: the linear part of what pursuit changes cannot be fitted: {error}") from error
