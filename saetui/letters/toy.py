"""A family of SAEs that all reconstruct perfectly, from no absorption to full absorption (2409.14507, toy models).

A child feature only occurs together with its parent. The child's latent can write a part ``delta`` of the parent
itself, and the parent's latent then fires that much less; only the sparsity penalty tells these SAEs apart.
"""

from dataclasses import dataclass
from math import hypot

import torch

from saetui.sae.architectures.standard import StandardSAE

PARENT, CHILD = 0, 1


@dataclass(frozen=True)
class SparsityCost:
    """Mean sparsity penalty of an input, in units of its coefficient."""

    l1: float
    """Sum of the latents."""
    norm_weighted: float
    """Sum of the latents, each times the norm of its decoder row."""


def delta_sae(delta: float) -> StandardSAE:
    """The SAE whose child latent writes ``delta`` of the parent; features and latents are parent, then child.

    Its latents are (0, 0), (1, 0) and (1 - delta, 1) on nothing, the parent, and both. Raises ValueError for a delta
    outside [0, 1].
    """
    _check_share("delta", delta)
    parent, child = torch.eye(2)
    return StandardSAE(
        W_enc=torch.stack([parent - delta * child, child], dim=1),
        W_dec=torch.stack([parent, child + delta * parent]),
        b_enc=torch.zeros(2),
        b_dec=torch.zeros(2),
    )


def delta_cost(delta: float, p_both: float, p_parent: float) -> SparsityCost:
    """Its sparsity penalties, which fall all the way to full absorption at ``delta`` 1.

    Both features are on in a share ``p_both`` of inputs, only the parent in ``p_parent``.
    """
    for name, value in (("delta", delta), ("p_both", p_both), ("p_parent", p_parent)):
        _check_share(name, value)
    return SparsityCost(
        l1=p_both * (2 - delta) + p_parent,
        norm_weighted=p_both * (1 - delta + hypot(1, delta)) + p_parent,
    )


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
