"""The rows of the tokens of an error study."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from saetui.dark_matter import TokenErrors, TokenLosses

# Squared error norm, over the variance, below which no share of an error means anything: least_error() in the store.
LEAST_ERROR = 0.01


def token_rows(
    study_id: str,
    sae_ids: Sequence[str],
    family: Mapping[str, int],
    tokens: TokenErrors,
    losses: TokenLosses | None,
    *,
    variance: float,
) -> pl.DataFrame:
    """Rows of ``error_token``.

    ``family`` gives the widths of those SAEs that are compared across widths, rising; ``variance`` is that of the
    activations, model units squared.
    """
    if tokens.token_id is None:
        raise ValueError("the tokens came without ids")
    saes = [tokens.saes[sae_id] for sae_id in sae_ids]
    error, linear, nonlinear = (
        torch.stack([getattr(sae, name) for sae in saes], dim=1)
        for name in ("error_norm", "linear_norm", "nonlinear_norm")
    )
    l0 = torch.stack([torch.zeros(len(tokens), dtype=torch.long) if sae.l0 is None else sae.l0 for sae in saes], dim=1)
    of_family = torch.stack([tokens.saes[sae_id].error_norm for sae_id in family], dim=1)
    frame = pl.DataFrame(
        {
            "study_id": pl.repeat(study_id, len(tokens), eager=True),
            "context": tokens.context.numpy().astype("uint32"),
            "position": tokens.position.numpy().astype("uint16"),
            "token_id": tokens.token_id.numpy().astype("uint32"),
            "held_out": tokens.held_out.numpy(),
            "activation_norm": tokens.activation_norm.numpy(),
            "hardness": error.mean(1).numpy(),
            "share": (error.mean(1) / tokens.activation_norm.clamp_min(1e-30)).numpy(),
            "change": (of_family[:, -1] - of_family[:, 0]).numpy(),
            "nonlinear_share": nonlinear_share(error, linear, nonlinear, variance),
            "error_norm": _lists(error.numpy()),
            "linear_norm": _lists(linear.numpy()),
            "nonlinear_norm": _lists(nonlinear.numpy()),
            "l0": _lists(l0.numpy().astype("uint16")),
        }
    ).with_columns(slope=_slopes(of_family, list(family.values())))
    frame = frame.with_columns(equal_tokens(frame))
    return frame.join(_losses(sae_ids, losses), on=["context", "position"], how="left", maintain_order="left")


def nonlinear_share(
    error: Float[Tensor, "n sae"], linear: Float[Tensor, "n sae"], nonlinear: Float[Tensor, "n sae"], variance: float
) -> pl.Series:
    """The nonlinear part's share of the squared error, all SAEs together, from the norms.

    NULL where the error is negligible, or one part is longer than the whole error, so that they cancel each other.
    """
    whole, of_linear, of_nonlinear = (norm.double().square().sum(1) for norm in (error, linear, nonlinear))
    has_share = (
        (whole >= LEAST_ERROR * variance * error.shape[1])
        & (of_linear <= whole)
        & (of_nonlinear <= whole)
        & (whole > 0)
    )
    share = torch.where(has_share, of_nonlinear / whole, torch.nan)
    return pl.Series("nonlinear_share", share.float().numpy()).fill_nan(None)


def equal_tokens(tokens: pl.DataFrame) -> list[pl.Series]:
    """How many tokens have each one's activation, itself among them, and the place of the one that stands for them.

    Equal activations, as of a token with the same ones before it, have equal norms, and equal errors in every SAE. A
    held-out token stands for them where there is one.
    """
    alike = ["token_id", "activation_norm", "error_norm", "linear_norm", "nonlinear_norm"]
    found = (
        tokens.select(*alike, "held_out", place=place_of(tokens), row=pl.int_range(pl.len()))
        .sort("held_out", "place", descending=[True, False])
        .with_columns(
            n_equal=pl.len().over(alike).cast(pl.UInt32),
            equal_to=pl.col("place").first().over(alike),
        )
        .sort("row")
    )
    return [found["n_equal"], found["equal_to"]]


def place_of(tokens: pl.DataFrame) -> pl.Series:
    """Context and position as one number."""
    return tokens["context"].cast(pl.UInt64) * (1 << 16) + tokens["position"].cast(pl.UInt64)


def _slopes(error: Float[Tensor, "n sae"], widths: Sequence[int]) -> pl.Series:
    """Change of log2 of the error norm with each doubling of the width; NULL for one width, and for zero errors."""
    doublings = torch.tensor([math.log2(width) for width in widths], dtype=torch.float64)
    doublings -= doublings.mean()
    if not bool(doublings.any()):
        return pl.Series("slope", [None] * len(error), dtype=pl.Float32)
    slopes = error.double().log2() @ doublings / doublings.square().sum()
    return pl.Series("slope", slopes.float().numpy()).fill_nan(None).replace([float("inf"), float("-inf")], None)


def _losses(sae_ids: Sequence[str], losses: TokenLosses | None) -> pl.DataFrame:
    keys = {"context": pl.UInt32, "position": pl.UInt16}
    if losses is None:
        return pl.DataFrame(
            schema={**keys, "clean_loss": pl.Float32, "loss": pl.List(pl.Float32), "damage": pl.Float32}
        )
    with_saes = torch.stack([losses.saes[sae_id] for sae_id in sae_ids], dim=1)
    return pl.DataFrame(
        {
            "context": losses.context.numpy().astype("uint32"),
            "position": losses.position.numpy().astype("uint16"),
            "clean_loss": _known(losses.clean),
            "loss": _known(with_saes.flatten()).reshape(tuple(with_saes.shape)).arr.to_list(),
            "damage": _known(with_saes.mean(1) - losses.clean),
        }
    )


def _known(values: Float[Tensor, " n"]) -> pl.Series:
    return pl.Series(values.numpy()).fill_nan(None)


def _lists(values: NDArray[Any]) -> pl.Series:
    array = pl.Series(np.ascontiguousarray(values))
    return array.arr.to_list()
