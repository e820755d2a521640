"""How well squared norms are predicted linearly from the activation (2410.14670, norm prediction)."""

from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor

NormTarget = Literal["error", "activation", "reconstruction", "linear", "nonlinear"]
NORM_TARGETS: tuple[NormTarget, ...] = get_args(NormTarget)


def squared_norms(
    activations: Float[Tensor, "n d"],
    errors: Float[Tensor, "n sae d"],
    linear: Float[Tensor, "n sae d"],
    nonlinear: Float[Tensor, "n sae d"],
) -> dict[NormTarget, Float[Tensor, "n sae"]]:
    """Squared norms of the error, its two parts, the activation and the reconstruction of every SAE."""

    def squared(vectors: Tensor) -> Tensor:
        return vectors.square().sum(dim=-1)

    return {
        "error": squared(errors),
        "activation": squared(activations)[:, None].expand(-1, errors.shape[1]),
        "reconstruction": squared(activations[:, None] - errors),
        "linear": squared(linear),
        "nonlinear": squared(nonlinear),
    }
