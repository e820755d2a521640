"""How the weights of the atoms taken so far move: a projected gradient step, or the best non-negative weights."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from saetui.pursuit.batch import Batch
from saetui.pursuit.nnls import least_squares_in_step, nonnegative_least_squares

# A step along a direction shorter than this share of the signal would divide noise by noise.
_SHORTEST = 1e-12
_HALVINGS = 5
# Share of the signal's squared norm by which a step may raise the squared residual: rounding.
_SLACK = 1e-9


def gradient_step(batch: Batch, tokens: slice | Tensor, *, backtrack: bool = True) -> Bool[Tensor, " m"]:
    """Move active weights along the gradient, as far as is best, and clamp them at 0 (Blumensath & Davies 2008).

    Where clamping raises the residual, ``backtrack`` halves the step up to five times, and then takes none.
    """
    width = batch.length
    weights, correlations = batch.weights[tokens, :width], batch.correlations[tokens, :width]
    gradient = torch.where(batch.active[tokens, :width], correlations, 0.0)
    image = batch.through_gram(gradient, tokens)
    curvature = (gradient * image).sum(1)
    norms = batch.norms[tokens].square()
    usable = curvature > _SHORTEST * norms
    step = torch.where(usable, gradient.square().sum(1) / curvature.where(usable, 1.0), 0.0)
    unclamped = weights + step[:, None] * gradient
    change = unclamped.clamp(min=0) - weights
    moved = step[:, None] * image
    if batch.frozen is not None:
        change, moved = _backtrack_in_step(
            batch, tokens, step, gradient, unclamped, moved, _HALVINGS if backtrack else -1
        )
        return _apply(batch, tokens, change, moved)
    clamped = (unclamped < 0).any(1).nonzero(as_tuple=True)[0]
    if len(clamped):
        places = _places(tokens, batch)[clamped]
        moved[clamped] = batch.through_gram(change[clamped], places)
        for halving in range(_HALVINGS + 1 if backtrack else 0):
            worse = _gain(change[clamped], correlations[clamped], moved[clamped]) > _SLACK * norms[clamped]
            clamped, places = clamped[worse], places[worse]
            if not len(clamped):
                break
            step[clamped] *= 0.5 if halving < _HALVINGS else 0.0
            change[clamped] = (weights[clamped] + step[clamped, None] * gradient[clamped]).clamp(min=0) - weights[
                clamped
            ]
            moved[clamped] = batch.through_gram(change[clamped], places)
    return _apply(batch, tokens, change, moved)


def _backtrack_in_step(
    batch: Batch,
    tokens: slice | Tensor,
    step: Float[Tensor, " m"],
    gradient: Float[Tensor, "m w"],
    unclamped: Float[Tensor, "m w"],
    moved: Float[Tensor, "m w"],
    halvings: int,
) -> tuple[Float[Tensor, "m w"], Float[Tensor, "m w"]]:
    """Clamp, and halve the step where that is worse than none, for all tokens alike; -1 halvings only clamp."""
    width = batch.length
    weights, correlations = batch.weights[tokens, :width], batch.correlations[tokens, :width]
    norms = batch.norms[tokens].square()
    clamped = (unclamped < 0).any(1)
    change = unclamped.clamp(min=0) - weights
    moved = torch.where(clamped[:, None], batch.through_gram(change, tokens), moved)
    for halving in range(halvings + 1):
        clamped &= _gain(change, correlations, moved) > _SLACK * norms
        step = torch.where(clamped, step * (0.5 if halving < halvings else 0.0), step)
        shorter = (weights + step[:, None] * gradient).clamp(min=0) - weights
        change = torch.where(clamped[:, None], shorter, change)
        moved = torch.where(clamped[:, None], batch.through_gram(change, tokens), moved)
    return change, moved


def best_weights(batch: Batch, tokens: slice | Tensor) -> Bool[Tensor, " m"]:
    """Give the active atoms the non-negative weights of least residual."""
    width = batch.length
    gram, weights = batch.gram[tokens, :width, :width], batch.weights[tokens, :width]
    products = batch.correlations[tokens, :width] + batch.through_gram(weights, tokens)
    solve = nonnegative_least_squares if batch.frozen is None else least_squares_in_step
    best = solve(gram, products, batch.active[tokens, :width], weights)
    change = best - weights
    return _apply(batch, tokens, change, batch.through_gram(change, tokens))


def _apply(
    batch: Batch, tokens: slice | Tensor, change: Float[Tensor, "m w"], moved: Float[Tensor, "m w"]
) -> Bool[Tensor, " m"]:
    width = batch.length
    if batch.frozen is not None:
        frozen = batch.frozen[tokens][:, None]
        change, moved = change.masked_fill(frozen, 0.0), moved.masked_fill(frozen, 0.0)
    gain = _gain(change, batch.correlations[tokens, :width], moved)
    batch.squares[tokens] = (batch.squares[tokens] + gain).clamp(min=0)
    batch.correlations[tokens, :width] -= moved
    batch.weights[tokens, :width] += change
    return (change != 0).any(1)


def _gain(
    change: Float[Tensor, "m w"], correlations: Float[Tensor, "m w"], moved: Float[Tensor, "m w"]
) -> Float[Tensor, " m"]:
    """By how much a change of the weights raises the squared residual."""
    return (change * (moved - 2 * correlations)).sum(1)


def _places(tokens: slice | Tensor, batch: Batch) -> Tensor:
    return torch.arange(batch.live, device=batch.norms.device) if isinstance(tokens, slice) else tokens
