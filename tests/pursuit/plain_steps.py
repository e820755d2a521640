"""The pursuits written out densely, with all products at every step: what the fast ones must reproduce."""

from dataclasses import dataclass

import torch
from torch import Tensor

STOP = 1e-6


@dataclass
class Plain:
    """Dense weights, the atom taken at each step (-1 for none), and by how much it was ahead of the next."""

    weights: Tensor
    chosen: Tensor
    lead: Tensor
    residual_norms: Tensor


def persistent(signals: Tensor, dictionary: Tensor, targets: Tensor) -> Plain:
    """An atom once taken stays; no atom is taken twice; a signal stops where no product is positive.

    A step that would raise the residual, by clamping, is halved up to five times and then left out.
    """
    n, width = len(signals), len(dictionary)
    everyone = torch.arange(n)
    weights = torch.zeros(n, width, dtype=signals.dtype)
    member = torch.zeros(n, width, dtype=torch.bool)
    at_work = torch.ones(n, dtype=torch.bool)
    chosen, lead, norms = [], [], [signals.norm(dim=1)]
    for step in range(int(targets.max())):
        products = (signals - weights @ dictionary) @ dictionary.T
        best = products.masked_fill(member, -torch.inf).topk(2, dim=1)
        at_work = at_work & (step < targets) & (best.values[:, 0] > STOP * norms[0])
        member[everyone[at_work], best.indices[at_work, 0]] = True
        gradient = torch.where(member, products, 0.0)
        direction = gradient @ dictionary
        length = direction.square().sum(1)
        step_size = torch.where(length > 0, gradient.square().sum(1) / length, 0.0)
        for halving in range(6):
            moved = (weights + step_size[:, None] * gradient).clamp(min=0)
            left = (signals - moved @ dictionary).square().sum(1)
            worse = left > norms[-1].square() + 1e-9 * norms[0].square()
            step_size = torch.where(worse, 0.5 * step_size if halving < 5 else 0.0, step_size)
        moved = (weights + step_size[:, None] * gradient).clamp(min=0)
        weights = torch.where(at_work[:, None], moved, weights)
        chosen.append(torch.where(at_work, best.indices[:, 0], -1))
        lead.append(torch.where(at_work, best.values[:, 0] - best.values[:, 1], torch.inf))
        norms.append((signals - weights @ dictionary).norm(dim=1))
    return Plain(weights, torch.stack(chosen, 1), torch.stack(lead, 1), torch.stack(norms, 1))


def dark_matter(signals: Tensor, dictionary: Tensor, targets: Tensor) -> Plain:
    """The support is where weights are not zero, and the best atom of all, whatever the sign of its product."""
    everyone = torch.arange(len(signals))
    weights = torch.zeros(len(signals), len(dictionary), dtype=signals.dtype)
    chosen, lead, norms = [], [], [signals.norm(dim=1)]
    for step in range(int(targets.max())):
        residual = signals - weights @ dictionary
        products = residual @ dictionary.T
        best = products.topk(2, dim=1)
        member = weights != 0
        member[everyone, best.indices[:, 0]] = True
        gradient = torch.where(member, products, 0.0)
        direction = gradient @ dictionary
        length = direction.square().sum(1)
        step_size = torch.where(length > 0, (direction * residual).sum(1) / length, 0.0)
        at_work = step < targets
        weights = torch.where(at_work[:, None], (weights + step_size[:, None] * gradient).clamp(min=0), weights)
        chosen.append(torch.where(at_work, best.indices[:, 0], -1))
        lead.append(torch.where(at_work, best.values[:, 0] - best.values[:, 1], torch.inf))
        norms.append((signals - weights @ dictionary).norm(dim=1))
    return Plain(weights, torch.stack(chosen, 1), torch.stack(lead, 1), torch.stack(norms, 1))
