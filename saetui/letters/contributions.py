"""What each firing latent writes into the activations of some words."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from saetui.sae import SAE

# Decoder rows of a batch that are held at once: 64 MB of float32.
_ROW_ELEMENTS = 1 << 24


@dataclass(frozen=True)
class Contributions:
    """Activations decomposed: ``x = base + latents_sum + error``, all in model units.

    ``latents_sum`` adds up ``weights * W_dec[indices]`` over the slots; a slot without a firing latent has value 0 and
    weight 0. ``base`` is what the SAE gives where no latent fires.
    """

    x: Float[Tensor, "word d"]
    indices: Int[Tensor, "word slot"]
    values: Float[Tensor, "word slot"]
    weights: Float[Tensor, "word slot"]
    base: Float[Tensor, "word d"]
    latents_sum: Float[Tensor, "word d"]
    decoder: Float[Tensor, "latent d"]

    def written(self, words: Int[Tensor, " row"], slots: Int[Tensor, " row"]) -> Float[Tensor, "row d"]:
        """What single latents write; slot -1 stands for no latent and writes nothing."""
        named = slots.clamp_min(0)
        weights = torch.where(slots < 0, 0, self.weights[words, named])
        return weights[:, None] * self.decoder[self.indices[words, named]]

    def along(self, directions: Float[Tensor, "word d"]) -> Float[Tensor, "word slot"]:
        """Scalar product of every contribution with its word's direction."""
        rows = max(1, _ROW_ELEMENTS // max(1, self.indices.shape[1] * self.decoder.shape[1]))
        products = [
            torch.bmm(self.decoder[indices], g[:, :, None])[..., 0]
            for indices, g in zip(torch.split(self.indices, rows), torch.split(directions, rows), strict=True)
        ]
        return self.weights * torch.cat(products)


def contributions(sae: SAE, x: Float[Tensor, "word d"]) -> Contributions:
    """The parts of each activation by the SAE's own encoder; only firing latents are held."""
    indices, values = sae.encode_sparse(x)
    if not indices.shape[1]:  # Nothing fires anywhere; one empty slot avoids the special case.
        indices, values = (pad(t, (0, 1)) for t in (indices, values))
    base = sae.decode_sparse(indices[:, :0], values[:, :0])
    return Contributions(
        x=x,
        indices=indices,
        values=values,
        weights=sae.decoder_weights(indices, values),
        base=base,
        latents_sum=sae.decode_sparse(indices, values) - base,
        decoder=sae.W_dec,
    )
