"""How well SAEs reconstruct a stream of activations: fraction of variance unexplained, L0, dead latents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.sae.base import FIRING, SAE


class VarianceUnexplained:
    """Fraction of variance unexplained of an estimate, added up in float64 batch by batch.

    Targets are shifted by the mean of their first batch, so that a large common offset costs no digits.
    """

    def __init__(self) -> None:
        self.n = 0
        self._shift: Tensor | None = None
        self._sum: Tensor | None = None
        self._sums: Tensor | float = 0.0

    def add(self, target: Float[Tensor, "n d"], estimate: Float[Tensor, "n d"]) -> None:
        """Take in a batch."""
        if not target.shape[0]:
            return
        target, estimate = target.double(), estimate.double()
        if self._shift is None or self._sum is None:
            self._shift = target.mean(dim=0)
            self._sum = torch.zeros_like(self._shift)
        shifted = target - self._shift
        self.n += target.shape[0]
        self._sum += shifted.sum(dim=0)
        # Read when the value is asked for, so that no batch waits for a GPU.
        self._sums = torch.stack([shifted.square().sum(), (target - estimate).square().sum()]) + self._sums

    @property
    def value(self) -> float | None:
        """Squared error over squared distance to the mean of the targets; None where the targets do not vary."""
        if self._sum is None:
            return None
        squares, residual = self._sums.tolist() if isinstance(self._sums, Tensor) else (0.0, 0.0)
        total = squares - float(self._sum.square().sum()) / self.n
        return residual / total if total > 1e-12 * squares else None


@dataclass(frozen=True)
class Evaluation:
    """What one SAE did on the tokens of a stream."""

    n_tokens: int
    fvu: float | None
    """Fraction of variance unexplained over all tokens and dimensions; None where the activations do not vary."""
    l0: float
    """Firing latents per token, mean; a latent fires above 1e-8."""
    dead_fraction: float
    """Latents that fired on none of these tokens."""
    fires: Int[Tensor, " d_sae"]
    """Tokens on which each latent fired."""


def count_fires(fires: Int[Tensor, " d_sae"], indices: Int[Tensor, "n L"], values: Float[Tensor, "n L"]) -> None:
    """Add to each latent's count the tokens on which it fires.

    Of integers, so that the order of the sums does not matter; bincount would make the host wait for a GPU.
    """
    fires.scatter_add_(0, indices.reshape(-1), (values > FIRING).long().reshape(-1))


def evaluate(saes: Sequence[SAE], batches: Iterable[Float[Tensor, "n d_in"]]) -> list[Evaluation]:
    """Run several SAEs of one site over one stream of activations; the stream may be empty."""
    variances = [VarianceUnexplained() for _ in saes]
    fires = [torch.zeros(sae.d_sae, dtype=torch.long, device=sae.device) for sae in saes]
    with torch.no_grad():
        for batch in batches:
            for i, sae in enumerate(saes):
                x = batch.to(sae.device, torch.float32)
                indices, values = sae.encode_sparse(x)
                variances[i].add(x, sae.decode_sparse(indices, values))
                count_fires(fires[i], indices, values)
    return [
        Evaluation(
            n_tokens=variance.n,
            fvu=variance.value,
            l0=int(fired.sum()) / max(variance.n, 1),
            dead_fraction=float((fired == 0).double().mean()),
            fires=fired.cpu(),
        )
        for variance, fired in zip(variances, fires, strict=True)
    ]
