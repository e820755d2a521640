"""Tokens of an error study encoded anew by pursuit, and their errors parted again (2410.14670, pursuit)."""

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from saetui.dark_matter import (
    ErrorBatch,
    ErrorsWarning,
    Estimate,
    Excluded,
    LinearErrorFit,
    fit_linear_error,
    split_contexts,
)
from saetui.dark_matter.error_fit import FEW_TOKENS, token_count_note
from saetui.dark_matter.split import shuffled_contexts
from saetui.dark_matter.token_set import ReadContexts, finite_rows
from saetui.jobs.context import TaskContext
from saetui.jobs.specs import ErrorsSpec
from saetui.jobs.work.pursued_codes import Encoded, Encoders
from saetui.pursuit.search import MAX_L0
from saetui.sae import SAE

_METHOD = "persistent"
# Contexts differ in length and are split whole, so that a few tokens more are read than are needed.
_SPARE = 1.05
# Fewer leave too few on either side of the split for intervals.
_LEAST_CONTEXTS, _LEAST_JUDGED = 10, 2


@dataclass(frozen=True)
class Pursued:
    """Figures of the same tokens, encoded by one SAE and by pursuit in its dictionary."""

    own: LinearErrorFit
    pursuit: LinearErrorFit

    @property
    def nonlinear(self) -> tuple[Estimate, Estimate]:
        """The nonlinear FVU before and after."""
        return self.own.estimates["fvu_nonlinear"], self.pursuit.estimates["fvu_nonlinear"]

    @property
    def figures(self) -> dict[str, Estimate]:
        """By the names they have in the store."""
        return {
            "fvu_same_tokens": self.own.estimates["fvu_sae"],
            "fvu_pursuit": self.pursuit.estimates["fvu_sae"],
            "fvu_nonlinear_same_tokens": self.nonlinear[0],
            "fvu_nonlinear_pursuit": self.nonlinear[1],
        }


class ErrorPursuit:
    """Some tokens of contexts that the study's linear maps have not seen, for all its SAEs.

    ``lengths`` are the tokens that count in each context of the corpus. Contexts are drawn at random and read whole.
    """

    def __init__(
        self,
        spec: ErrorsSpec,
        context: TaskContext,
        read: ReadContexts,
        held_out: Int[Tensor, " m"],
        lengths: Int[Tensor, " contexts"],
        width: int,
    ) -> None:
        self._spec, self._context = spec, context
        shuffled = shuffled_contexts(held_out, seed=spec.seed)
        n = int((lengths.cpu()[shuffled].cumsum(0) < pursuit_tokens(spec, width)).sum()) + 1
        self._tokens, excluded = _joined(read(shuffled[: max(n, _LEAST_CONTEXTS)].sort().values))
        self._notes: dict[str, None] = {}
        if excluded.rows:
            self._note(f"{excluded.rows:,} tokens with values that are not finite were left out")

    def __len__(self) -> int:
        return len(self._tokens)

    @property
    def notes(self) -> list[str]:
        """What stands in the way of reading the figures at face value."""
        return list(self._notes)

    def pursue(self, sae_id: str, sae: SAE) -> Pursued | None:
        """Encode the tokens at their own L0; None where nothing fires, and where they are too few to part errors."""
        tokens = self._tokens
        if not bool(tokens.l0[sae_id].any()):
            self._note(f"no latent of {sae_id} fires")
            return None
        try:
            split = split_contexts(tokens.context.cpu(), train_share=1 - self._spec.test_share, seed=self._spec.seed)
            train = torch.isin(tokens.context.cpu(), split.train).to(tokens.context.device)
            if few := token_count_note(int(train.sum()), tokens.activations.shape[1]):
                self._note(few)
            if len(split.test) < _LEAST_JUDGED:
                raise ValueError(f"a share of {self._spec.test_share} leaves one context to judge on; give two or more")
            pursued = self._encode(sae_id, sae)
            return Pursued(self._fit(tokens.reconstructions[sae_id], train), self._fit(pursued.reconstruction, train))
        except ValueError as error:
            self._note(f"errors were not parted: {error}")
            return None

    def _encode(self, sae_id: str, sae: SAE) -> Encoded:
        context = self._context
        encoders: Encoders = context.warm.get(("encoders", sae_id, context.device), lambda: Encoders(sae))
        found, codes = encoders.pursue(
            self._tokens.activations, self._tokens.l0[sae_id], _METHOD, progress=lambda *_: context.check()
        )
        if n_capped := int(codes.capped.sum()):
            self._note(f"the L0 of {n_capped:,} of {len(self):,} tokens was cut to {MAX_L0} for {sae_id}")
        return found

    def _fit(self, reconstructions: Tensor, train: Tensor) -> LinearErrorFit:
        tokens, spec = self._tokens, self._spec
        with warnings.catch_warnings():
            # Few tokens are noted; what else it says, the study's own fit has said.
            warnings.simplefilter("ignore", ErrorsWarning)
            return fit_linear_error(
                tokens.activations, reconstructions, train, spec.intercept, contexts=tokens.context, seed=spec.seed
            )

    def _note(self, text: str) -> None:
        note = f"pursuit: {text}"
        if note not in self._notes:
            self._notes[note] = None
            self._context.log(note)


def pursuit_tokens(spec: ErrorsSpec, width: int) -> int:
    """Tokens to pursue: as many as asked for, or enough for a reliable linear fit to activations of that width."""
    if spec.pursuit_tokens is not None:
        return spec.pursuit_tokens
    return math.ceil(_SPARE * FEW_TOKENS * width / (1 - spec.test_share))


def _joined(batches: Iterable[ErrorBatch]) -> tuple[ErrorBatch, Excluded]:
    """All batches as one, without rows that are not finite, and how many these were."""
    parts, counts = zip(*(finite_rows(batch) for batch in batches), strict=True)
    return (
        ErrorBatch(
            activations=torch.cat([part.activations for part in parts]),
            reconstructions={
                name: torch.cat([part.reconstructions[name] for part in parts]) for name in parts[0].reconstructions
            },
            context=torch.cat([part.context for part in parts]),
            position=torch.cat([part.position for part in parts]),
            l0={name: torch.cat([part.l0[name] for part in parts]) for name in parts[0].l0},
        ),
        sum(counts, start=Excluded()),
    )
