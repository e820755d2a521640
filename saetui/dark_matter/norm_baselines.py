"""What predicts an error's norm without the activation: token, loss, L0, norm (2410.14670, norm prediction)."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.dark_matter.intervals import N_REPLICATES, Estimate
from saetui.dark_matter.token_errors import TokenErrors
from saetui.dark_matter.token_regression import TokenRegression


def norm_baselines(
    tokens: TokenErrors,
    name: str,
    *,
    others: Mapping[str, Float[Tensor, " n"]] | None = None,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """R² of the squared error norm of one SAE on held-out tokens, from each of: ``activation_norm``, ``l0``,
    ``token_mean``, and ``others`` such as the model's loss at each token (NaN where there is none).

    ``token_mean`` is the mean over train tokens with the same token id, drawn towards the overall mean where there are
    few. What the token's identity does not tell is not in the result. Raises ValueError for an unknown SAE.
    """
    if name not in tokens.saes:
        raise ValueError(f"{name} was not measured on these tokens; name one of {', '.join(tokens.saes)}")
    train, test = ~tokens.held_out, tokens.held_out
    regression = TokenRegression(tokens.context, train, test, n_replicates=n_replicates, seed=seed)
    of_sae = tokens.saes[name]
    target = of_sae.error_norm.double().square()
    columns = {"activation_norm": tokens.activation_norm}
    if of_sae.l0 is not None:
        columns["l0"] = of_sae.l0
    columns |= others or {}
    figures = {predictor: regression.r2([values.double()], target) for predictor, values in columns.items()}
    if tokens.token_id is not None:
        figures["token_mean"] = regression.r2_of(shrunken_means(tokens.token_id, target, train), target)
    return figures


def shrunken_means(
    group: Int[Tensor, " n"], values: Float[Tensor, " n"], train: Bool[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """For every row the mean of its group's train rows, drawn towards the mean of all.

    The weight of the group's own mean is n / (n + within / between), with the variances within and between groups
    estimated from the train rows (one-way analysis of variance).
    """
    _, index = torch.unique(group, return_inverse=True)
    n_groups = int(index.max()) + 1
    y, index_train = values[train].double(), index[train]
    counts = torch.bincount(index_train, minlength=n_groups).double()
    overall = y.mean()
    sums = torch.zeros(n_groups, dtype=torch.float64).index_add_(0, index_train, y - overall)
    means = sums / counts.clamp(min=1)
    n, seen = len(y), int((counts > 0).sum())
    squares_between = (counts * means.square()).sum()
    squares_within = (y - overall).square().sum() - squares_between
    if n <= seen or seen < 2:
        return overall.expand(len(values))
    within = squares_within / (n - seen)
    size = (n - counts.square().sum() / n) / (seen - 1)
    between = (squares_between / (seen - 1) - within) / size
    # With no variance between groups, their means are noise.
    weight = counts * between / (counts * between + within) if between > 0 else torch.zeros_like(counts)
    return (overall + weight * means)[index]
