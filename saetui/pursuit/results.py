"""Codes of all signals, filled in while the pursuit of each goes on."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.pursuit.atoms import Atoms
from saetui.pursuit.batch import Batch
from saetui.pursuit.codes import PADDING, SparseCodes, Work
from saetui.pursuit.inputs import L0Targets


class Results:
    """Rows of codes, in the order of the signals."""

    def __init__(self, signals: Float[Tensor, "n d"], targets: L0Targets) -> None:
        n, device = len(signals), signals.device
        longest = int(targets.l0.max()) if n else 0
        norms = torch.linalg.vector_norm(signals, dim=1, dtype=torch.float64)
        norms = norms.masked_fill(targets.excluded, 0.0).to(signals.dtype)
        self._targets = targets
        self.indices = torch.full((n, longest), PADDING, dtype=torch.long, device=device)
        self.values = torch.zeros(n, longest, dtype=signals.dtype, device=device)
        self.residual_norms = norms[:, None].repeat(1, longest + 1)
        self.chosen = self.indices.clone()
        self.steps = torch.zeros(n, dtype=torch.long, device=device)

    def record(self, rows: Int[Tensor, " m"], step: int, chosen: Int[Tensor, " m"], norms: Float[Tensor, " m"]) -> None:
        """Note what some signals took at a step, counted from 1, and what was left of them."""
        self.chosen[rows, step - 1] = chosen
        self.residual_norms[rows, step:] = norms.to(self.residual_norms.dtype)[:, None]
        self.steps[rows] = step

    def finish(self, batch: Batch, tokens: Int[Tensor, " m"]) -> None:
        """Take over the codes of tokens that are done, positive weights first in the order they were taken."""
        rows, step = batch.rows[tokens], self.steps[batch.rows[tokens]]
        norms = batch.squares[tokens].sqrt().to(self.residual_norms.dtype)
        later = torch.arange(self.residual_norms.shape[1], device=rows.device) >= step[:, None]
        self.residual_norms[rows] = torch.where(later, norms[:, None], self.residual_norms[rows])
        atoms, weights = batch.atoms[tokens, : batch.length], batch.weights[tokens, : batch.length]
        weights = (weights / batch.dictionary.norms[atoms]).to(self.values.dtype)
        kept = weights > 0
        token, slot = kept.nonzero(as_tuple=True)
        place = (kept.cumsum(1) - 1)[token, slot]
        self.indices[rows[token], place] = atoms[token, slot]
        self.values[rows[token], place] = weights[token, slot]

    def codes(self, atoms: Atoms, work: Work) -> SparseCodes:
        """The finished codes, no wider than the longest of them."""
        longest = int((self.values > 0).sum(1).max()) if len(self.values) else 0
        return SparseCodes(
            indices=self.indices[:, :longest],
            values=self.values[:, :longest],
            residual_norms=self.residual_norms,
            chosen=self.chosen,
            steps=self.steps,
            excluded=self._targets.excluded,
            capped=self._targets.capped,
            zero_atoms=atoms.zero_atoms,
            work=work,
        )
