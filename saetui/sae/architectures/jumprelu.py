"""The JumpReLU SAE: pre-activations pass where they exceed a threshold of their latent (2407.14435)."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from saetui.sae.base import SAE, Activations, Latents


@dataclass(eq=False, repr=False, kw_only=True)
class JumpReLUSAE(SAE):
    """``a = relu(p) where p > threshold, else 0``; BatchTopK and Matryoshka SAEs are this at inference."""

    architecture: ClassVar[str] = "jumprelu"
    b_enc: Float[Tensor, " d_sae"]
    threshold: Float[Tensor, " d_sae"]

    def _activate(self, x: Activations) -> Latents:
        pre = linear(x, self.W_enc.T, self.b_enc)
        return pre.relu() * (pre > self.threshold)
