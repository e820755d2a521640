"""The residual of a pursuit step by step, as it can be reported while the pursuit runs."""

import time

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.pursuit.search import PursuitStep

# Seconds between two curves, so that progress files stay small.
_PAUSE = 0.1


class ResidualCurve:
    """Unexplained share of the signals after every step: summed squared residuals over summed squares.

    It is of the tokens that have begun; one that is done stays where it is.
    """

    def __init__(self, signal_norms: Float[Tensor, " n"], longest: int) -> None:
        self._squares = signal_norms.double().square()
        self._left = self._squares[:, None].repeat(1, longest + 1)
        self._begun = torch.zeros(len(signal_norms), dtype=torch.bool, device=signal_norms.device)
        self._last = 0
        self._next = 0.0

    def take(self, step: PursuitStep) -> None:
        """Take in a step of some tokens."""
        self._begun[step.rows] = True
        self._left[step.rows, step.step :] = step.residual_norms.to(self._left).square()[:, None]
        self._last = max(self._last, step.step)

    def metrics(self, *, finished: bool) -> dict[str, str]:
        """The curve for a progress record: ``residual``, shares after 0, 1, … steps; nothing where none is due."""
        now = time.monotonic()
        if (now < self._next and not finished) or not self._last:
            return {}
        self._next = now + _PAUSE
        left, squares = self._left[self._begun, : self._last + 1].sum(0), self._squares[self._begun].sum()
        return {"residual": " ".join(f"{share:.4g}" for share in (left / squares).tolist())}
