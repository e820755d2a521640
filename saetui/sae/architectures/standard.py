"""The ReLU SAE: ``a = relu(x W_enc + b_enc)`` (2309.08600)."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import linear

from saetui.sae.base import SAE, Activations, Latents


@dataclass(eq=False, repr=False, kw_only=True)
class StandardSAE(SAE):
    """ReLU latents, kept sparse by an L1 penalty in training."""

    architecture: ClassVar[str] = "standard"
    b_enc: Float[Tensor, " d_sae"]

    def _activate(self, x: Activations) -> Latents:
        return linear(x, self.W_enc.T, self.b_enc).relu()
