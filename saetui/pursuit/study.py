"""The pursuit study, whole: tokens' codes found in an SAE's own dictionary, and their errors before and after.

From a notebook (2410.14670, with a model, an SAE of its hook point and a corpus)::

    encoders = Encoders(sae)
    tokens = tokens_at_places(model, corpus, hook_name, [(3, 7), (3, 8)])
    found = study_pursuit(encoders, tokens)
    found.errors_before.total, found.errors_after.total
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.pursuit.codes import SparseCodes
from saetui.pursuit.encoders import Encoded, Encoders
from saetui.pursuit.exceptions import PursuitError
from saetui.pursuit.named_tokens import NamedTokens
from saetui.pursuit.residual_curve import ResidualCurve
from saetui.regression.statistics import LinearMap

CurveProgress = Callable[[int, int, Mapping[str, str]], None]
"""Called with steps done and in all, and now and then the residual after every step so far."""


@dataclass(frozen=True)
class LinearPart:
    """What is known of the linear part of one SAE's error, from an error study."""

    map: LinearMap
    activation_mean: Float[Tensor, " d"]
    change: LinearMap | None = None
    """What pursuit changes of the reconstructions; None: errors after the pursuit are not split."""


@dataclass(frozen=True)
class PursuitErrors:
    """Norms in model units; ``nonlinear`` is None where the errors are not split."""

    total: Float[Tensor, " n"]
    nonlinear: Float[Tensor, " n"] | None

    def fvu(self, deviation: Float[Tensor, " n"]) -> tuple[float | None, float | None]:
        """Of the whole error, and of its nonlinear part."""
        variance = float(deviation.square().sum())
        parts = (self.total, self.nonlinear)
        whole, nonlinear = (
            None if part is None or variance <= 0 else float(part.square().sum()) / variance for part in parts
        )
        return whole, nonlinear


@dataclass(frozen=True)
class PursuitFindings:
    """The codes of n tokens by the SAE's own encoder and by pursuit."""

    rows: Int[Tensor, " n"]
    """Rows of the tokens among those that were named; the others are not finite."""
    n_excluded: int
    before: Encoded
    after: Encoded
    codes: SparseCodes
    """As pursued; residual norms in decoder units."""
    deviation: Float[Tensor, " n"]
    """Distance of each activation from the mean, model units."""
    errors_before: PursuitErrors
    errors_after: PursuitErrors
    residuals: Float[Tensor, "n step"]
    """Residual norms after 0, 1, … steps, model units."""
    seconds: float
    """Of the pursuit alone."""

    @property
    def fvu_before(self) -> tuple[float | None, float | None]:
        """The SAE's FVU on these tokens, and of that the nonlinear part."""
        return self.errors_before.fvu(self.deviation)

    @property
    def fvu_after(self) -> tuple[float | None, float | None]:
        """The same with the pursuit's codes."""
        return self.errors_after.fvu(self.deviation)


def study_pursuit(
    encoders: Encoders,
    tokens: NamedTokens,
    *,
    method: str = "persistent",
    l0: int | None = None,
    linear: LinearPart | None = None,
    progress: CurveProgress = lambda *_: None,
) -> PursuitFindings:
    """Pursue tokens, each with ``l0`` latents or with as many as the SAE used, and split the errors before and after.

    Raises:
        PursuitError: no token has a finite activation.
    """
    rows = tokens.finite.nonzero(as_tuple=True)[0]
    x = tokens.activations[rows.to(tokens.activations.device)]
    if not len(x):
        raise PursuitError(f"none of the {len(tokens)} tokens has a finite activation")
    before = encoders.own(x)
    targets = before.l0 if l0 is None else torch.full((len(x),), l0, device=x.device)
    curve = ResidualCurve(encoders.signal_norms(x), int(targets.max()))

    def tell(done: int, total: int) -> None:
        progress(done, total, curve.metrics(finished=done >= total))

    began = time.perf_counter()
    after, codes = encoders.pursue(x, targets, method, progress=tell, watch=curve.take)
    seconds = time.perf_counter() - began
    mean = x.double().mean(0) if linear is None else linear.activation_mean
    errors_before, errors_after = _errors(x.double(), before, after, linear)
    return PursuitFindings(
        rows=rows,
        n_excluded=len(tokens) - len(rows),
        before=before,
        after=after,
        codes=codes,
        deviation=_norms(x.double() - mean),
        errors_before=errors_before,
        errors_after=errors_after,
        residuals=codes.residual_norms * encoders.spread(x)[:, None],
        seconds=seconds,
    )


def _errors(
    x: Float[Tensor, "n d"], before: Encoded, after: Encoded, linear: LinearPart | None
) -> tuple[PursuitErrors, PursuitErrors]:
    """Errors of both encoders; each is split with a linear map of its own."""
    own, pursued = x - before.reconstruction, x - after.reconstruction
    if linear is None:
        return PursuitErrors(_norms(own), None), PursuitErrors(_norms(pursued), None)
    part = linear.map(x)
    left = None if linear.change is None else _norms(pursued - (part - linear.change(x)))
    return PursuitErrors(_norms(own), _norms(own - part)), PursuitErrors(_norms(pursued), left)


def _norms(rows: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1)
    return norms
