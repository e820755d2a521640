"""Non-negative least squares for many small problems at once, by active sets (Lawson & Hanson 1974)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

# Gradients below this share of a problem's largest product, and pivots below this share of a column, are rounding.
_ROUNDING = 1e-12
_ROUNDS_PER_COLUMN = 10
# After an atom has been added most problems are solved in two rounds.
_ROUNDS_UNASKED = 3


@torch.no_grad()
def nonnegative_least_squares(
    gram: Float[Tensor, "b k k"],
    products: Float[Tensor, "b k"],
    allowed: Bool[Tensor, "b k"],
    start: Float[Tensor, "b k"],
) -> Float[Tensor, "b k"]:
    """Weights ``w >= 0``, 0 where not ``allowed``, of least ``w·gram·w - 2 products·w``, in double precision.

    Begins from the non-negative weights ``start``; a column that depends linearly on those in use gets weight 0.
    """
    weights = torch.where(allowed, start, 0.0)
    used = weights > 0
    barred = ~allowed
    entered = torch.full((len(gram),), -1, dtype=torch.long, device=gram.device)
    least = _ROUNDING * products.abs().amax(1) if products.numel() else products.new_zeros(len(products))
    going = torch.arange(len(gram), device=gram.device)
    for _ in range(_ROUNDS_PER_COLUMN * (gram.shape[1] + 1)):
        solution, solved = _solve(gram[going], products[going], used[going])
        dependent = going[~solved]
        _drop_newest(weights, used, barred, entered, dependent)
        blocked = solved & (used[going] & (solution <= 0)).any(1)
        _walk(weights, used, solution[blocked], going[blocked])
        reached = going[solved & ~blocked]
        weights[reached] = solution[solved & ~blocked]
        gradient = products[reached] - (gram[reached] @ weights[reached, :, None]).squeeze(2)
        steepest, column = gradient.masked_fill(used[reached] | barred[reached], -torch.inf).max(1)
        rising = steepest > least[reached]
        entering, column = reached[rising], column[rising]
        used[entering, column] = True
        entered[entering] = column
        going = torch.cat([dependent, going[blocked], entering])
        if not len(going):
            break
    return weights


@torch.no_grad()
def least_squares_in_step(
    gram: Float[Tensor, "b k k"],
    products: Float[Tensor, "b k"],
    allowed: Bool[Tensor, "b k"],
    start: Float[Tensor, "b k"],
) -> Float[Tensor, "b k"]:
    """The same for a GPU: every round is for all problems, and only every few rounds does the host ask for the end."""
    weights = torch.where(allowed, start, 0.0)
    used, barred = weights > 0, ~allowed
    entered = torch.full((len(gram), 1), -1, dtype=torch.long, device=gram.device)
    least = _ROUNDING * products.abs().amax(1) if products.numel() else products.new_zeros(len(products))
    going = torch.ones(len(gram), dtype=torch.bool, device=gram.device)
    for turn in range(_ROUNDS_PER_COLUMN * (gram.shape[1] + 1)):
        if turn % _ROUNDS_UNASKED == 0 and turn and not bool(going.any()):
            break
        solution, solved = _solve(gram, products, used)
        dependent = (going & ~solved)[:, None]
        lightest = weights.masked_fill(~used, torch.inf).argmin(1, keepdim=True)
        entering = (entered >= 0) & used.gather(1, entered.clamp(min=0))
        out = torch.zeros_like(used).scatter_(1, torch.where(entering, entered, lightest), True) & dependent
        barred |= out & entering
        used &= ~out
        weights = weights.masked_fill(out, 0.0)
        falling = used & (solution <= 0) & (going & solved)[:, None]
        blocked = falling.any(1)
        share = torch.where(falling, weights / (weights - solution).where(falling, 1.0), torch.inf)
        nearest, first = share.min(1, keepdim=True)
        walked = (weights + nearest * (solution - weights)).clamp(min=0).scatter(1, first, 0.0)
        weights = torch.where(blocked[:, None], walked, weights)
        used &= (weights > 0) | ~blocked[:, None]
        reached = going & solved & ~blocked
        weights = torch.where(reached[:, None], solution, weights)
        gradient = products - (gram @ weights[:, :, None]).squeeze(2)
        steepest, column = gradient.masked_fill(used | barred, -torch.inf).max(1)
        rising = reached & (steepest > least)
        used |= torch.zeros_like(used).scatter_(1, column[:, None], True) & rising[:, None]
        entered = torch.where(rising[:, None], column[:, None], entered)
        going = dependent.squeeze(1) | blocked | rising
    return weights


def _solve(
    gram: Float[Tensor, "b k k"], products: Float[Tensor, "b k"], used: Bool[Tensor, "b k"]
) -> tuple[Float[Tensor, "b k"], Bool[Tensor, " b"]]:
    """Least squares over the columns in use, and where these are independent."""
    both = used[:, :, None] & used[:, None, :]
    system = torch.where(both, gram, 0.0) + torch.diag_embed((~used).to(gram.dtype))
    factor, failed = torch.linalg.cholesky_ex(system)
    pivots = factor.diagonal(dim1=1, dim2=2).square()
    solved = (failed == 0) & (pivots >= _ROUNDING * system.diagonal(dim1=1, dim2=2)).all(1)
    identity = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    factor = torch.where(solved[:, None, None], factor, identity)
    return torch.cholesky_solve((products * used)[:, :, None], factor).squeeze(2) * used, solved


def _drop_newest(
    weights: Float[Tensor, "b k"],
    used: Bool[Tensor, "b k"],
    barred: Bool[Tensor, "b k"],
    entered: Tensor,
    problems: Tensor,
) -> None:
    """Take out the column that made some problems singular: the last to enter, for good, or the lightest of a start."""
    if not len(problems):
        return
    lightest = weights[problems].masked_fill(~used[problems], torch.inf).argmin(1)
    newest = entered[problems]
    entering = (newest >= 0) & used[problems, newest.clamp(min=0)]
    column = torch.where(entering, newest, lightest)
    used[problems, column] = False
    barred[problems[entering], column[entering]] = True
    weights[problems, column] = 0.0


def _walk(
    weights: Float[Tensor, "b k"], used: Bool[Tensor, "b k"], solution: Float[Tensor, "m k"], problems: Tensor
) -> None:
    """Go towards a solution with negative weights until the first weight is 0, and take that one out of use."""
    if not len(problems):
        return
    now = weights[problems]
    falling = used[problems] & (solution <= 0)
    share = torch.where(falling, now / (now - solution).where(falling, 1.0), torch.inf)
    first = share.argmin(1, keepdim=True)
    now = (now + share.gather(1, first) * (solution - now)).clamp(min=0).scatter(1, first, 0.0)
    weights[problems] = now
    used[problems] &= now > 0
