"""The linear part of an SAE's error, from activations and reconstructions that are at hand (2410.14670)."""

from collections.abc import Iterable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.dark_matter.decomposition import decompose_errors
from saetui.dark_matter.error_fit import LinearErrorFit
from saetui.dark_matter.intervals import N_REPLICATES
from saetui.dark_matter.split import ContextSplit
from saetui.dark_matter.token_set import ErrorBatch

_NAME = "the SAE"
_BATCH_ROWS = 1 << 13


def fit_linear_error(
    activations: Float[Tensor, "n d"],
    reconstructions: Float[Tensor, "n d"],
    train: Bool[Tensor, " n"],
    intercept: bool = True,
    *,
    contexts: Int[Tensor, " n"] | None = None,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
) -> LinearErrorFit:
    """Predict error = activation - reconstruction linearly from the activation, by least squares on the ``train`` rows.

    All figures are those of the other rows. ``intercept=False`` follows the paper's released code: no
    intercept, and both FVUs over all rows; R² stays that of rows not fitted on. ``contexts`` says which rows belong
    together, for the intervals; without it each row counts as independent, and intervals of text are too narrow.

    Rows that are not finite are left out and counted. Raises ValueError for fewer than 3 train rows per dimension, a
    context on both sides, and shapes that do not fit; warns (ErrorsWarning) below 20 rows per dimension.
    """
    mask = torch.as_tensor(train, device=activations.device)
    if activations.ndim != 2 or reconstructions.shape != activations.shape:
        raise ValueError(
            f"reconstructions of shape {tuple(reconstructions.shape)} do not fit activations of shape"
            f" {tuple(activations.shape)}; both are (n, d)"
        )
    n = len(activations)
    if mask.dtype != torch.bool or mask.shape != (n,):
        raise ValueError(f"train is a mask of {n} booleans, not {tuple(mask.shape)} of {mask.dtype}")
    ids = torch.arange(n, device=mask.device) if contexts is None else contexts.to(mask.device)
    if ids.shape != (n,):
        raise ValueError(f"contexts names the context of each of {n} rows, not of {tuple(ids.shape)}")

    def read(wanted: Int[Tensor, " m"]) -> Iterable[ErrorBatch]:
        rows = torch.isin(ids, wanted.to(ids.device)).nonzero(as_tuple=True)[0]
        for part in torch.split(rows, _BATCH_ROWS):
            yield ErrorBatch(activations[part], {_NAME: reconstructions[part]}, ids[part], position=part)

    split = ContextSplit(torch.unique(ids[mask]), torch.unique(ids[~mask]))
    study = decompose_errors(read, split, intercept=intercept, n_replicates=n_replicates, seed=seed)
    return study.fits[_NAME]
