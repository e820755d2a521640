"""Does the decomposition find known errors? Activations made of known parts (2410.14670, introduced error).

The activation is a sparse sum of decoder rows plus dense Gaussian noise. Its "reconstruction" leaves out some latents
and adds noise of its own. A linear prediction of the error should then find the dense part and the latents left out,
and the nonlinear rest should be what the reconstruction introduced. It finds the dense part as far as that stands out:
in directions where the sparse part varies little.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.dark_matter.decomposition import decompose_errors
from saetui.dark_matter.intervals import N_REPLICATES, Estimate, combine
from saetui.dark_matter.split import TRAIN_SHARE, ContextSplit, split_contexts
from saetui.dark_matter.token_set import ErrorBatch
from saetui.sae import SAE
from saetui.sae.sparse import gather_sum

DEVIATIONS = (0.0, 1.0, 2.0, 3.0, 4.0)
# Of the activations' own, for those of a real SAE.
RELATIVE_DEVIATIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
REMOVED_SHARES = (0.0, 0.25, 0.5)
_BATCH_ROWS = 1 << 13


@dataclass(frozen=True)
class SparseActivations:
    """Activations without noise: latents of each row, padded with value 0, and what each latent writes."""

    indices: Int[Tensor, "n L"]
    values: Float[Tensor, "n L"]
    decoder: Float[Tensor, "d_sae d"]
    bias: Float[Tensor, " d"]

    def decode(self, values: Float[Tensor, "n L"] | None = None) -> Float[Tensor, "n d"]:
        """The activations, or what other values of the same latents give."""
        return gather_sum(self.indices, self.values if values is None else values, self.decoder) + self.bias

    def without_weakest(self, share: float) -> Float[Tensor, "n L"]:
        """Values with 0 in place of the least active latents: this share of those that fire in each row."""
        firing = (self.values > 0).sum(dim=1, keepdim=True)
        place = torch.where(self.values > 0, self.values, torch.inf).argsort(dim=1).argsort(dim=1)
        return torch.where(place < (share * firing).round(), 0.0, self.values)


@dataclass(frozen=True)
class IntroducedError:
    """One cell of the grid; all errors as fractions of the activations' variance."""

    dense_deviation: float
    introduced_deviation: float
    removed_share: float
    linear: Estimate
    """FVU of the SAE minus nonlinear FVU: what the decomposition calls linear."""
    nonlinear: Estimate
    true_linear: float
    """Dense part and latents left out."""
    true_nonlinear: float
    """Noise that the reconstruction brought in."""


@dataclass(frozen=True)
class Tracking:
    """How estimates follow the truth over the cells of a grid: least-squares line and correlation."""

    slope: float
    intercept: float
    correlation: float


def random_sparse_activations(
    n: int,
    d: int,
    *,
    width: int | None = None,
    l0: int = 16,
    scale: float = 8.0,
    decay: float = 0.0,
    seed: int = 0,
) -> SparseActivations:
    """Random unit decoder rows (8 · d by default), ``l0`` of them in each row with exponential values of this mean.

    Dimension i of the decoder is drawn with deviation (i + 1)^-decay: real activations vary far more in some directions
    than in others, those of a decay of 0 in all alike.
    """
    generator = torch.Generator().manual_seed(seed)
    decoder = torch.randn(width or 8 * d, d, generator=generator)
    decoder *= torch.arange(1, d + 1) ** -decay
    decoder /= torch.linalg.vector_norm(decoder, dim=1, keepdim=True)
    indices = torch.randint(len(decoder), (n, l0), generator=generator)
    values = -scale * torch.log1p(-torch.rand(n, l0, generator=generator))
    return SparseActivations(indices, values, decoder, torch.zeros(d))


def latent_activations(sae: SAE, x: Float[Tensor, "n d"]) -> SparseActivations:
    """An SAE's own latents of activations, without the dense part: a sparse sum of its decoder rows."""
    indices, values = sae.encode_sparse(x)
    return SparseActivations(indices, sae.decoder_weights(indices, values), sae.W_dec, sae.b_dec)


def introduced_error_grid(
    activations: SparseActivations,
    *,
    dense_deviations: Sequence[float] = DEVIATIONS,
    introduced_deviations: Sequence[float] = DEVIATIONS,
    removed_shares: Sequence[float] = REMOVED_SHARES,
    contexts: Int[Tensor, " n"] | None = None,
    test_share: float = 1 - TRAIN_SHARE,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
) -> list[IntroducedError]:
    """Every combination, cells of one dense noise measured together. Deviations are per dimension, in model units.

    Rows count as independent unless ``contexts`` says which belong together. Raises ValueError for a negative deviation
    and a share outside [0, 1].
    """
    if min(*dense_deviations, *introduced_deviations, 0.0) < 0:
        raise ValueError("standard deviations are at least 0; leave out the negative ones")
    if not all(0 <= share <= 1 for share in removed_shares):
        raise ValueError(f"removed_shares {list(removed_shares)} are shares between 0 and 1")
    n = len(activations.indices)
    ids = torch.arange(n) if contexts is None else contexts
    split = split_contexts(ids, train_share=1 - test_share, seed=seed)
    clean = activations.decode()
    parts = {share: activations.decode(activations.without_weakest(share)) for share in removed_shares}
    cells: list[IntroducedError] = []
    for i, dense in enumerate(dense_deviations):
        generator = torch.Generator().manual_seed(seed + i)
        x = clean + dense * torch.randn(clean.shape, generator=generator).to(clean)
        unit = torch.randn(clean.shape, generator=generator).to(clean)
        noise = {sigma: sigma * unit for sigma in introduced_deviations}
        grid = _Grid(x, parts, noise, ids)
        cells += grid.measured(split, dense, n_replicates, seed)
    return cells


def introduced_error_of(
    sae: SAE, tokens: ErrorBatch, *, test_share: float = 1 - TRAIN_SHARE, seed: int = 0
) -> list[IntroducedError]:
    """The grid on what an SAE's latents say of some tokens; empty where that is the same for all of them.

    Deviations go in quarters up to that of the latents' sum: the root of its variance per dimension.
    """
    activations = latent_activations(sae, tokens.activations)
    deviation = float(activations.decode().double().var(dim=0).mean().sqrt())
    if not deviation > 0:
        return []
    deviations = [share * deviation for share in RELATIVE_DEVIATIONS]
    return introduced_error_grid(
        activations,
        dense_deviations=deviations,
        introduced_deviations=deviations,
        contexts=tokens.context.cpu(),
        test_share=test_share,
        seed=seed,
    )


def tracking(estimates: Sequence[float], truth: Sequence[float]) -> Tracking | None:
    """Line of the estimates against the truth; None where either does not vary."""
    y, x = np.asarray(estimates, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    slope, intercept = np.polyfit(x, y, 1)
    return Tracking(float(slope), float(intercept), float(np.corrcoef(x, y)[0, 1]))


@dataclass(frozen=True)
class _Grid:
    """Cells with the same activations."""

    x: Float[Tensor, "n d"]
    parts: dict[float, Float[Tensor, "n d"]]
    noise: dict[float, Float[Tensor, "n d"]]
    contexts: Int[Tensor, " n"]

    def measured(self, split: ContextSplit, dense: float, n_replicates: int, seed: int) -> Iterator[IntroducedError]:
        study = decompose_errors(self._read, split, n_replicates=n_replicates, seed=seed)
        test = torch.isin(self.contexts, split.test)
        x = self.x[test].double()
        variance = float((x - x.mean(dim=0)).square().sum())
        for share, part in self.parts.items():
            left_out = float((x - part[test]).square().sum()) / variance
            for sigma, noise in self.noise.items():
                fit = study.fits[_name(share, sigma)]
                nonlinear = fit.estimates["fvu_nonlinear"]
                yield IntroducedError(
                    dense_deviation=dense,
                    introduced_deviation=sigma,
                    removed_share=share,
                    linear=combine(_minus, fit.estimates["fvu_sae"], nonlinear),
                    nonlinear=nonlinear,
                    true_linear=left_out,
                    true_nonlinear=float(noise[test].double().square().sum()) / variance,
                )

    def _read(self, contexts: Int[Tensor, " m"]) -> Iterable[ErrorBatch]:
        wanted = torch.isin(self.contexts, contexts).nonzero(as_tuple=True)[0]
        for rows in torch.split(wanted, _BATCH_ROWS):
            reconstructions = {
                _name(share, sigma): part[rows] + noise[rows]
                for share, part in self.parts.items()
                for sigma, noise in self.noise.items()
            }
            yield ErrorBatch(self.x[rows], reconstructions, self.contexts[rows], position=rows)


def _name(share: float, sigma: float) -> str:
    return f"{share:g} of the latents left out, noise {sigma:g}"


def _minus(a: float, b: float) -> float:
    return a - b
