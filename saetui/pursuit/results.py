"""Codes of all signals, filled in while the pursuit of each goes on."""

import torch
from jaxtyping import Bool, Float, Int
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

    def record_in_step(
        self,
        rows: Int[Tensor, " m"],
        step: int,
        chosen: Int[Tensor, " m"],
        norms: Float[Tensor, " m"],
        going: Bool[Tensor, " m"],
    ) -> None:
        """The same of those of some signals that are going; what is left of the others has not changed."""
        self.chosen[rows, step - 1] = torch.where(going, chosen, PADDING)
        self.residual_norms[rows, step:] = norms.to(self.residual_norms.dtype)[:, None]
        self.steps[rows] = torch.where(going, step, self.steps[rows])

    def finish(self, batch: Batch, tokens: Int[Tensor, " m"]) -> None:
        """Take over the codes of tokens that are done, positive weights first in the order they were taken."""
        rows, step = batch.rows[tokens], self.steps[batch.rows[tokens]]
        norms = batch.squares[tokens].sqrt().to(self.residual_norms.dtype)
        later = torch.arange(self.residual_norms.shape[1], device=rows.device) >= step[:, None]
        self.residual_norms[rows] = torch.where(later, norms[:, None], self.residual_norms[rows])
        atoms, weights = batch.atoms[tokens, : batch.length], batch.weights[tokens, : batch.length]
        weights = (weights / batch.dictionary.norms[atoms]).to(self.values.dtype)
        kept = weights > 0
        # The others go into one more column, which is left out.
        longest = self.indices.shape[1]
        place = torch.where(kept, kept.cumsum(1) - 1, longest)
        indices, values = (tensor.new_zeros(len(rows), longest + 1) for tensor in (self.indices, self.values))
        self.indices[rows] = indices.fill_(PADDING).scatter_(1, place, atoms)[:, :longest]
        self.values[rows] = values.scatter_(1, place, weights)[:, :longest]

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
