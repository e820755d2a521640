"""Codes of activations in one SAE's dictionary: those of its own encoder, and those that pursuit finds."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.pursuit.atoms import Atoms
from saetui.pursuit.codes import SparseCodes
from saetui.pursuit.gradient import gradient_pursuit
from saetui.pursuit.orthogonal import orthogonal_matching_pursuit
from saetui.pursuit.search import PursuitStep
from saetui.sae import SAE
from saetui.sae.base import FIRING
from saetui.sae.normalization import TokenScale, is_per_token, normalize

POLISH_STEPS = 16
"""Gradient steps on the final latents in the method "polish"."""


@dataclass(frozen=True)
class Encoded:
    """Latents of n activations, padded with activation 0, and what they reconstruct in model units."""

    indices: Int[Tensor, "n L"]
    activations: Float[Tensor, "n L"]
    reconstruction: Float[Tensor, "n d"]

    @property
    def l0(self) -> Int[Tensor, " n"]:
        return (self.activations > FIRING).sum(1)

    def lists(self) -> list[tuple[list[int], list[float]]]:
        """For each activation the latents that fire, and how strongly."""
        indices, activations = self.indices.cpu(), self.activations.cpu()
        fires = activations > FIRING
        return [(indices[row][on].tolist(), activations[row][on].tolist()) for row, on in enumerate(fires)]


class Encoders:
    """The two encoders of one SAE; products between its latents are kept from call to call."""

    def __init__(self, sae: SAE) -> None:
        self.sae = sae
        self._atoms: dict[bool, Atoms] = {}

    def own(self, x: Float[Tensor, "n d"]) -> Encoded:
        """What the SAE itself makes of activations in model units."""
        indices, values = self.sae.encode_sparse(x)
        return Encoded(indices, values, self.sae.decode_sparse(indices, values))

    def pursue(
        self,
        x: Float[Tensor, "n d"],
        l0: int | Int[Tensor, " n"],
        method: str,
        *,
        progress: Callable[[int, int], None] | None = None,
        watch: Callable[[PursuitStep], None] | None = None,
    ) -> tuple[Encoded, SparseCodes]:
        """What a pursuit of at most ``l0`` latents makes of them; residual norms of the codes are in model units."""
        signals, scale = self._signals(x)
        atoms = self._atoms_of(fold=method != "dark_matter")
        if method == "orthogonal":
            codes = orthogonal_matching_pursuit(signals, atoms, l0, progress=progress, watch=watch)
        else:
            codes = gradient_pursuit(
                signals,
                atoms,
                l0,
                "dark_matter" if method == "dark_matter" else "persistent",
                polish=POLISH_STEPS if method == "polish" else 0,
                refit="nnls" if method == "nnls" else None,
                progress=progress,
                watch=watch,
            )
        indices = codes.indices.clamp(min=0)
        decoded = codes.decode(self.sae.W_dec) + self.sae.b_dec
        reconstruction = decoded if scale is None else scale.undo(decoded)
        return Encoded(indices, self._in_latents(indices, codes.values, scale), reconstruction), codes

    def signal_norms(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """What a pursuit sets out to explain: norms of the activations without the SAE's output bias, decoder units."""
        norms: Tensor = torch.linalg.vector_norm(self._signals(x)[0], dim=1)
        return norms

    def spread(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Model units to a decoder unit, for each activation."""
        scale = self._signals(x)[1]
        return torch.ones(len(x), device=x.device) if scale is None else scale.spread[:, 0]

    def _signals(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n d"], TokenScale | None]:
        normal, scale = normalize(x.to(self.sae.W_dec), self.sae.normalization)
        per_token = is_per_token(self.sae.normalization)
        return normal - self.sae.b_dec, scale if per_token else None

    def _atoms_of(self, *, fold: bool) -> Atoms:
        if fold not in self._atoms:
            self._atoms[fold] = Atoms(self.sae.W_dec, fold=fold)
        return self._atoms[fold]

    def _in_latents(self, indices: Tensor, weights: Tensor, scale: TokenScale | None) -> Float[Tensor, "n L"]:
        """Weights of decoder rows in the units of the SAE's own latents."""
        factors = self.sae.decoder_weights(indices, torch.ones_like(weights), scale=scale)
        return weights / (factors if scale is None else factors / scale.spread)
