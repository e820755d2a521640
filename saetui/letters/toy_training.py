"""Toy worlds of a few known features, and SAEs trained on them in seconds (2409.14507, toy models).

The paper draws 10^8 samples. Here the loss is taken over every combination of features at once, each weighted by how
often it comes, so that a few thousand steps end where the samples would.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from saetui.letters.toy import CHILD, PARENT
from saetui.sae.architectures.standard import StandardSAE
from saetui.sae.base import unit_rows

World = Literal["independent", "hierarchical", "noisy"]

FEATURES = ("parent", "child", "third", "fourth")
# How often each feature is on; a child of the hierarchical worlds comes with its parent only, and as often (the paper).
FREQUENCIES = (0.25, 0.05, 0.05, 0.05)
# Standard deviation of the parent's magnitude around 1 in the noisy world (the paper).
MAGNITUDE_NOISE = 0.1
_D_IN = 50
_DECODER_NORM = 0.1
_LEARNING_RATE = 3e-3
_DECAY_SHARE = 0.2
# Of the Gauss–Hermite rule that stands for the parent's magnitudes.
_NODES = 9


@dataclass(frozen=True)
class ToyInputs:
    """All combinations of features, and how often each comes; the shares sum to 1."""

    features: Float[Tensor, "input feature"]
    shares: Float[Tensor, " input"]


@dataclass(frozen=True)
class ToySAE:
    """A trained SAE beside the true features; latents are in the order of the features that they stand for."""

    world: World
    sae: StandardSAE
    directions: Float[Tensor, "feature d"]
    loss: float

    @property
    def encoder_cosines(self) -> Float[Tensor, "latent feature"]:
        """What each latent reads."""
        return self.sae.encoder_directions() @ self.directions.T

    @property
    def decoder_cosines(self) -> Float[Tensor, "latent feature"]:
        """What each latent writes."""
        return self.sae.decoder_directions() @ self.directions.T

    def latents(self, features: Float[Tensor, "input feature"]) -> Float[Tensor, "input latent"]:
        """Latents on inputs of these feature magnitudes, in units of the reconstruction."""
        norms: Tensor = self.sae.W_dec.norm(dim=1)
        return self.sae.encode(features @ self.directions) * norms

    def written(self, features: Float[Tensor, "input feature"]) -> Float[Tensor, "input feature"]:
        """How much of each feature the reconstruction holds."""
        return self.sae.reconstruct(features @ self.directions) @ self.directions.T


def toy_inputs(world: World) -> ToyInputs:
    """The combinations that occur in a world; magnitudes are 1, the parent's in the noisy world around 1."""
    if world not in get_args(World):
        raise ValueError(f"world is one of {', '.join(get_args(World))}, not {world!r}")
    magnitudes = [(1.0, 1.0)]
    if world == "noisy":
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        magnitudes = [
            (1 + MAGNITUDE_NOISE * float(z), float(w / weights.sum())) for z, w in zip(nodes, weights, strict=True)
        ]
    features, shares = [], []
    for on in product((False, True), repeat=len(FEATURES)):
        share = 1.0
        for feature, frequency in enumerate(FREQUENCIES):
            chance = frequency
            if feature == CHILD and world != "independent":
                chance = frequency / FREQUENCIES[PARENT] if on[PARENT] else 0.0
            share *= chance if on[feature] else 1 - chance
        for magnitude, weight in magnitudes if on[PARENT] else [(1.0, 1.0)]:
            if share:
                features.append([float(on[PARENT]) * magnitude, *map(float, on[1:])])
                shares.append(share * weight)
    return ToyInputs(torch.tensor(features), torch.tensor(shares))


def train_toys(
    worlds: Sequence[World],
    *,
    sparsity: float = 0.003,
    steps: int = 4000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[World, ToySAE]:
    """Train an SAE of four latents on each world's four features, orthogonal directions in 50 dimensions.

    The loss is the squared error plus ``sparsity`` times the sum of latents, each times the norm of its decoder row.
    All start alike and are trained side by side. ``progress`` is called with the steps done and all there are. Raises
    ValueError for an unknown world or no steps.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be at least 1")
    generator = torch.Generator().manual_seed(seed)
    directions = torch.linalg.qr(torch.randn(_D_IN, len(FEATURES), generator=generator)).Q.T
    decoder = _DECODER_NORM * unit_rows(torch.randn(len(FEATURES), _D_IN, generator=generator))
    inputs = [toy_inputs(world) for world in worlds]
    x = pad_sequence([world.features for world in inputs], batch_first=True) @ directions
    shares = pad_sequence([world.shares for world in inputs], batch_first=True)
    start = (decoder.T, decoder, torch.zeros(1, len(FEATURES)), torch.zeros(1, _D_IN))
    # Contiguous, since the fused optimiser walks parameters and gradients as they lie in memory.
    parameters = [tensor.repeat(len(worlds), 1, 1).contiguous().requires_grad_() for tensor in start]
    optimizer = torch.optim.Adam(parameters, lr=_LEARNING_RATE, fused=True)
    for step in range(steps):
        losses = _losses(parameters, x, shares, sparsity)
        optimizer.zero_grad()
        losses.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.param_groups[0]["lr"] = _LEARNING_RATE * min(1.0, (steps - step) / (_DECAY_SHARE * steps))
        optimizer.step()
        if progress is not None:
            progress(step + 1, steps)
    with torch.no_grad():
        losses = _losses(parameters, x, shares, sparsity)
        return {
            world: _in_feature_order(
                world, [parameter.detach()[i] for parameter in parameters], directions, float(losses[i])
            )
            for i, world in enumerate(worlds)
        }


def _losses(
    parameters: list[Tensor],
    x: Float[Tensor, "world input d"],
    shares: Float[Tensor, "world input"],
    sparsity: float,
) -> Float[Tensor, " world"]:
    w_enc, w_dec, b_enc, b_dec = parameters
    latents = torch.baddbmm(b_enc, x - b_dec, w_enc).relu()
    error = torch.baddbmm(b_dec - x, latents, w_dec)
    penalty = torch.bmm(latents, w_dec.norm(dim=2, keepdim=True))[..., 0]
    losses: Tensor = (shares * (error.square().sum(2) + sparsity * penalty)).sum(1)
    return losses


def _in_feature_order(
    world: World, parameters: list[Tensor], directions: Float[Tensor, "feature d"], loss: float
) -> ToySAE:
    """Latents sorted by the feature that they write; the child chooses first, since its latent may write both."""
    w_enc, w_dec, b_enc, b_dec = parameters[0], parameters[1], parameters[2][0], parameters[3][0]
    # Inputs do not leave the features' span, so what the encoder reads outside it is left of the start, and a constant.
    in_span = directions.T @ (directions @ w_enc)
    b_enc, w_enc = b_enc - b_dec @ (w_enc - in_span), in_span
    cosines = unit_rows(w_dec) @ directions.T
    order: dict[int, int] = {}
    for feature in (CHILD, PARENT, *range(CHILD + 1, len(FEATURES))):
        free = [latent for latent in range(len(FEATURES)) if latent not in order.values()]
        order[feature] = max(free, key=lambda latent: float(cosines[latent, feature]))
    rows = [order[feature] for feature in range(len(FEATURES))]
    sae = StandardSAE(W_enc=w_enc[:, rows], W_dec=w_dec[rows], b_enc=b_enc[rows], b_dec=b_dec)
    return ToySAE(world, sae, directions, loss)
