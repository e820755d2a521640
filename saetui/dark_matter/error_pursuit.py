"""Tokens of an error study encoded by pursuit, and their errors split once more (2410.14670, pursuit)."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from saetui.dark_matter.error_fit import ErrorsWarning, LinearErrorFit, enough_tokens, token_count_note
from saetui.dark_matter.intervals import Estimate
from saetui.dark_matter.linear_error import fit_linear_error
from saetui.dark_matter.settings import ErrorSettings
from saetui.dark_matter.split import draw_tokens, split_contexts
from saetui.dark_matter.token_set import ReadContexts, joined_rows
from saetui.pursuit.encoders import Encoded, Encoders
from saetui.pursuit.search import MAX_L0
from saetui.sae import SAE

_METHOD = "persistent"
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
    ``encoders`` gives those of an SAE, ``check`` is called often and may raise, ``log`` gets each note once.
    """

    def __init__(
        self,
        settings: ErrorSettings,
        read: ReadContexts,
        held_out: Int[Tensor, " m"],
        lengths: Int[Tensor, " contexts"],
        width: int,
        *,
        encoders: Callable[[str, SAE], Encoders] = lambda _, sae: Encoders(sae),
        check: Callable[[], None] = lambda: None,
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings, self._encoders, self._check, self._log = settings, encoders, check, log
        n = pursuit_tokens(settings, width)
        drawn = draw_tokens(held_out, lengths, n, least=_LEAST_CONTEXTS, seed=settings.seed)
        self._tokens, excluded = joined_rows(read(drawn))
        self._notes: dict[str, None] = {}
        if excluded.rows:
            self._note(f"{excluded.rows:,} tokens with values that are not finite were left out")

    def __len__(self) -> int:
        return len(self._tokens)

    @property
    def notes(self) -> list[str]:
        """Reasons not to take the figures at face value."""
        return list(self._notes)

    def pursue(self, sae_id: str, sae: SAE) -> Pursued | None:
        """Encode the tokens at their own L0; None where nothing fires, and where they are too few to split errors."""
        tokens, test_share = self._tokens, self._settings.test_share
        if not bool(tokens.l0[sae_id].any()):
            self._note(f"no latent of {sae_id} fires")
            return None
        try:
            split = split_contexts(tokens.context.cpu(), train_share=1 - test_share, seed=self._settings.seed)
            train = torch.isin(tokens.context.cpu(), split.train).to(tokens.context.device)
            if few := token_count_note(int(train.sum()), tokens.activations.shape[1]):
                self._note(few)
            if len(split.test) < _LEAST_JUDGED:
                raise ValueError(f"a share of {test_share} leaves one context to judge on; give two or more")
            pursued = self._encode(sae_id, sae)
            return Pursued(self._fit(tokens.reconstructions[sae_id], train), self._fit(pursued.reconstruction, train))
        except ValueError as error:
            self._note(f"errors were not split: {error}")
            return None

    def _encode(self, sae_id: str, sae: SAE) -> Encoded:
        found, codes = self._encoders(sae_id, sae).pursue(
            self._tokens.activations, self._tokens.l0[sae_id], _METHOD, progress=lambda *_: self._check()
        )
        if n_capped := int(codes.capped.sum()):
            self._note(f"the L0 of {n_capped:,} of {len(self):,} tokens was cut to {MAX_L0} for {sae_id}")
        return found

    def _fit(self, reconstructions: Tensor, train: Tensor) -> LinearErrorFit:
        tokens, settings = self._tokens, self._settings
        with warnings.catch_warnings():
            # Few tokens are noted; what else it says, the study's own fit has said.
            warnings.simplefilter("ignore", ErrorsWarning)
            return fit_linear_error(
                tokens.activations,
                reconstructions,
                train,
                settings.intercept,
                contexts=tokens.context,
                seed=settings.seed,
            )

    def _note(self, text: str) -> None:
        note = f"pursuit: {text}"
        if note not in self._notes:
            self._notes[note] = None
            self._log(note)


def pursuit_tokens(settings: ErrorSettings, width: int) -> int:
    """Tokens to pursue: as many as asked for, or enough for a reliable linear fit to activations of that width."""
    if settings.pursuit_tokens is not None:
        return settings.pursuit_tokens
    return enough_tokens(width, settings.test_share)
