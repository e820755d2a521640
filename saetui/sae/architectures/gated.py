"""The Gated SAE: one pre-activation decides whether a latent fires, another how strongly (2404.16014)."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from saetui.sae.base import SAE, Activations, Latents


@dataclass(eq=False, repr=False, kw_only=True)
class GatedSAE(SAE):
    """``a = 1[x W_enc + b_gate > 0] * relu(x W_enc exp(r_mag) + b_mag)``."""

    architecture: ClassVar[str] = "gated"
    b_gate: Float[Tensor, " d_sae"]
    b_mag: Float[Tensor, " d_sae"]
    r_mag: Float[Tensor, " d_sae"]

    def _activate(self, x: Activations) -> Latents:
        shared = x @ self.W_enc
        magnitude = (shared * self.r_mag.exp() + self.b_mag).relu()
        return magnitude * (shared + self.b_gate > 0)
