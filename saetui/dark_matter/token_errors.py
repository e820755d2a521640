"""What every SAE of a study leaves out at each token: what makes tokens hard, solved or worse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class SAETokenErrors:
    """Norms (not squared, model units) of one SAE's error and its parts at each token; float32 on the CPU."""

    error_norm: Float[Tensor, " n"]
    linear_norm: Float[Tensor, " n"]
    nonlinear_norm: Float[Tensor, " n"]
    reconstruction_norm: Float[Tensor, " n"]
    l0: Int[Tensor, " n"] | None
    """Firing latents; None where the reconstructions came without."""


@dataclass(frozen=True)
class TokenErrors:
    """Tokens in reading order; on train rows (``held_out`` False) the linear part has seen the error it predicts."""

    context: Int[Tensor, " n"]
    position: Int[Tensor, " n"]
    token_id: Int[Tensor, " n"] | None
    held_out: Bool[Tensor, " n"]
    activation_norm: Float[Tensor, " n"]
    saes: Mapping[str, SAETokenErrors]

    def __len__(self) -> int:
        return len(self.context)

    @classmethod
    def join(cls, parts: Sequence["TokenErrors"]) -> "TokenErrors":
        """Parts of one study put into reading order."""
        context = torch.cat([part.context for part in parts])
        position = torch.cat([part.position for part in parts])
        by_position = position.argsort(stable=True)
        order = by_position[context[by_position].argsort(stable=True)]

        def joined(tensors: Sequence[Tensor]) -> Tensor:
            return torch.cat(list(tensors))[order]

        def optional(tensors: Sequence[Tensor | None]) -> Tensor | None:
            present = [tensor for tensor in tensors if tensor is not None]
            return joined(present) if len(present) == len(tensors) else None

        return cls(
            context=context[order],
            position=position[order],
            token_id=optional([part.token_id for part in parts]),
            held_out=joined([part.held_out for part in parts]),
            activation_norm=joined([part.activation_norm for part in parts]),
            saes={
                name: SAETokenErrors(
                    error_norm=joined([part.saes[name].error_norm for part in parts]),
                    linear_norm=joined([part.saes[name].linear_norm for part in parts]),
                    nonlinear_norm=joined([part.saes[name].nonlinear_norm for part in parts]),
                    reconstruction_norm=joined([part.saes[name].reconstruction_norm for part in parts]),
                    l0=optional([part.saes[name].l0 for part in parts]),
                )
                for name in parts[0].saes
            },
        )
