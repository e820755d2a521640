"""Directions of latents: decoder norms folded away for analysis, cosines, nearest latents."""

from copy import copy
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.sae.base import SAE, unit_rows
from saetui.sae.exceptions import SAEError

# A decoder row shorter than this writes nothing.
ZERO_NORM = 1e-12
_BLOCK_ELEMENTS = 1 << 24

S = TypeVar("S", bound=SAE)


@dataclass(frozen=True)
class Neighbours:
    """For each latent the nearest others, nearest first."""

    indices: Int[Tensor, "n k"]
    cosines: Float[Tensor, "n k"]


def decoder_norms(sae: SAE) -> Float[Tensor, " d_sae"]:
    """Norm of each decoder row: a latent's activation times this is its part in the reconstruction, in model units."""
    norms: Tensor = torch.linalg.vector_norm(sae.W_dec, dim=1)
    return norms


def writes_nothing(sae: SAE) -> Bool[Tensor, " d_sae"]:
    """Latents whose decoder row is zero; they count as dead."""
    return decoder_norms(sae) < ZERO_NORM


def fold_decoder_norms(sae: S) -> S:
    """The same function with unit decoder rows: latents, encoder and thresholds take up the norms; zero rows stay.

    Raises SAEError for an SAE that selects latents without regard to unequal norms: folding would change what it
    selects; encode with it as it is and use ``folded_latents``.
    """
    norms = decoder_norms(sae)
    norms = torch.where(norms < ZERO_NORM, torch.ones_like(norms), norms)
    if sae.compares_latents and not torch.allclose(norms, norms[:1]):
        name = sae.workbench.get("name", f"a {sae.architecture} SAE")
        raise SAEError(
            f"{name}: its decoder rows differ in norm and it selects without them, so folding would change the"
            " selection; multiply its latents instead (folded_latents)"
        )
    folded = copy(sae)
    folded.W_dec = sae.W_dec / norms[:, None]
    folded.W_enc = sae.W_enc * norms
    for name, tensor in sae.weights().items():
        if name in sae.activation_units:
            setattr(folded, name, tensor * norms)
    return folded


def folded_latents(sae: SAE, z: Float[Tensor, "*n d_sae"]) -> Float[Tensor, "*n d_sae"]:
    """Latents in units of the reconstruction: each times the norm of its decoder row."""
    return z if sae.is_folded else z * decoder_norms(sae)


def folded_values(
    sae: SAE, indices: Int[Tensor, "*n slot"], values: Float[Tensor, "*n slot"]
) -> Float[Tensor, "*n slot"]:
    """The same for sparse latents."""
    return values if sae.is_folded else values * decoder_norms(sae)[indices]


def fold_activation_scale(sae: S, scale: float) -> S:
    """The same SAE for raw activations, given that it was trained on activations times ``scale``.

    SAELens calls that ``expected_average_only_in``; the scale is sqrt(d_in) over the mean norm of the activations.
    """
    folded = copy(sae)
    folded.W_enc = sae.W_enc * scale
    folded.W_dec = sae.W_dec / scale
    folded.b_dec = sae.b_dec / scale
    folded.normalization = "none"
    return folded


def encoder_decoder_cosines(sae: SAE) -> Float[Tensor, " d_sae"]:
    """Cosine between what each latent reads and what it writes; low ones suggest absorption."""
    cosines: Tensor = torch.linalg.vecdot(sae.encoder_directions(), sae.decoder_directions())
    return cosines


def nearest_latents(sae: SAE, other: SAE, k: int) -> Neighbours:
    """The k latents of ``other`` whose decoder directions have the largest cosine with each latent of ``sae``.

    A latent is not its own neighbour; fewer than k are returned where there are no more. Only one block of cosines
    exists at a time.
    """
    if sae.d_in != other.d_in:
        raise SAEError(f"latents of widths {sae.d_in} and {other.d_in} have no cosine; compare SAEs of one site")
    same = sae is other
    return nearest_rows(sae.decoder_directions(), None if same else other.decoder_directions().to(sae.device), k)


def nearest_rows(rows: Float[Tensor, "n d"], others: Float[Tensor, "m d"] | None, k: int) -> Neighbours:
    """The k ``others`` of largest cosine for each row; without others, among the rows but for the row itself."""
    unit = unit_rows(rows)
    candidates = unit if others is None else unit_rows(others)
    k = min(k, candidates.shape[0] - (others is None))
    block = max(1, _BLOCK_ELEMENTS // candidates.shape[0])
    indices, cosines = [], []
    for start in range(0, unit.shape[0], block):
        products = unit[start : start + block] @ candidates.T
        if others is None:
            own = torch.arange(products.shape[0], device=products.device)
            products[own, own + start] = -torch.inf
        best = products.topk(k, dim=1)
        indices.append(best.indices)
        cosines.append(best.values)
    return Neighbours(torch.cat(indices), torch.cat(cosines).clamp_(-1, 1))
