"""Squared norms of activations, reconstructions, errors and their parts (2410.14670, norm prediction)."""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.dark_matter.reading import Chunk
from saetui.regression.scratch import Scratch

NormTarget = Literal["error", "activation", "reconstruction", "linear", "nonlinear"]
NORM_TARGETS: tuple[NormTarget, ...] = get_args(NormTarget)


class SquaredNorms:
    """Sums squares in float64."""

    def __init__(self) -> None:
        self._scratch = Scratch()

    def of(self, vectors: Float[Tensor, "*n d"]) -> Float[Tensor, "*n"]:
        return self._scratch.copy(vectors).square_().sum(dim=-1)

    def of_chunk(
        self, chunk: Chunk, linear: Float[Tensor, "n sae d"], nonlinear: Float[Tensor, "n sae d"]
    ) -> dict[NormTarget, Float[Tensor, "n sae"]]:
        """Squared norms by target, for every SAE of a chunk."""
        reconstructions = chunk.rows.reconstructions.values()
        return {
            "error": self.of(chunk.errors),
            "activation": self.of(chunk.x)[:, None].expand(-1, len(reconstructions)),
            "reconstruction": torch.stack([self.of(values) for values in reconstructions], dim=1),
            "linear": self.of(linear),
            "nonlinear": self.of(nonlinear),
        }
