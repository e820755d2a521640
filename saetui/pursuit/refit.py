"""New weights for the atoms that an SAE chose itself: what its encoder loses by its weights, not by its choice."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.pursuit.atoms import Atoms
from saetui.pursuit.batch import Batch
from saetui.pursuit.codes import PADDING, Codes
from saetui.pursuit.inputs import check_codes, check_signals
from saetui.pursuit.search import Progress
from saetui.pursuit.weights import best_weights, gradient_step

_GRAM_ELEMENTS = 1 << 22


@torch.no_grad()
def refit_codes(
    signals: Float[Tensor, "n d"],
    dictionary: Float[Tensor, "width d"] | Atoms,
    indices: Int[Tensor, "n L"],
    values: Float[Tensor, "n L"],
    method: Literal["nnls", "gradient"] = "nnls",
    *,
    steps: int = 10,
    progress: Progress | None = None,
) -> Codes:
    """Codes on the same atoms with the best non-negative weights, or after some projected gradient steps.

    Signals are ``(n, d)`` in model units, an SAE's output bias taken off; indices and values are its codes, places of
    value 0 being padding. "nnls" gives the least residual that these atoms allow; "gradient" takes ``steps`` steps from
    the values given, none of which raises the residual. Columns of ``residual_norms``: the signal, the code given, and
    the code after each step ("nnls" takes one). ``progress`` is called with signals done and all, and may raise to
    cancel. Raises ValueError for shapes that do not fit, indices outside the dictionary, and negative values.
    """
    if method not in ("nnls", "gradient"):
        raise ValueError(f"method is {method!r}; it must be 'nnls' or 'gradient'")
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be 1 or more")
    atoms = dictionary if isinstance(dictionary, Atoms) else Atoms(dictionary, memory=0)
    atoms.check_folded(True)
    signals = check_signals(signals, atoms.rows)
    indices, values = check_codes(indices, values, len(signals), atoms.width)
    move, steps = (best_weights, 1) if method == "nnls" else (gradient_step, steps)
    excluded = ~(torch.isfinite(signals).all(1) & torch.isfinite(values).all(1))
    refitted = torch.zeros_like(values, dtype=signals.dtype)
    norms = signals.new_zeros(len(signals), steps + 2)
    rows = (~excluded).nonzero(as_tuple=True)[0]
    l0 = (values > 0).sum(1)
    rows = rows[l0[rows].argsort(descending=True, stable=True)]
    longest = max(1, values.shape[1])
    done = 0
    for part in torch.split(rows, max(1, _GRAM_ELEMENTS // (longest * (longest + atoms.d)))):
        batch = Batch(atoms, signals[part], part, l0[part])
        if part.device.type != "cpu":
            batch.frozen = torch.zeros(len(part), dtype=torch.bool, device=part.device)
        norms[part, 0] = batch.norms.to(norms.dtype)
        batch.hold(indices[part], values[part].double() * atoms.norms[indices[part].clamp(min=0)])
        norms[part, 1] = batch.squares.sqrt().to(norms.dtype)
        for step in range(steps):
            move(batch, slice(batch.live))
            norms[part, 2 + step] = batch.squares.sqrt().to(norms.dtype)
        batch.refresh_squares(torch.arange(batch.live, device=part.device))
        norms[part, -1] = batch.squares.sqrt().to(norms.dtype)
        refitted[part] = (batch.weights / atoms.norms[batch.atoms]).to(refitted.dtype)
        done += len(part)
        if progress is not None:
            progress(done, len(rows))
    kept = refitted > 0
    return Codes(indices.masked_fill(~kept, PADDING), refitted * kept, norms, excluded, atoms.zero_atoms)
