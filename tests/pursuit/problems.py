"""Signals and dictionaries to pursue: the easy, the hard, and the degenerate."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

KINDS = ("gaussian", "planted", "clustered", "doubled", "shared", "sums")


def problem(kind: str, n: int, width: int, d: int, seed: int, atoms: int = 8) -> tuple[Tensor, Tensor]:
    """Signals (n, d) and a unit-norm dictionary (width, d) in double precision.

    "gaussian" signals have nothing to do with the dictionary, "planted" ones are sums of some atoms and noise. Atoms of
    "clustered" dictionaries come in bundles, those of "doubled" ones in pairs that are the same, and in "shared" ones
    every atom leans to one direction, as every signal does. Most atoms of "sums" dictionaries are sums of some of the
    first ones, and so are the signals: an atom that was taken for several others is given up when these have come.
    """
    generator = torch.Generator().manual_seed(seed)

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    dictionary = randn(width, d)
    if kind == "clustered":
        centres = randn(max(2, width // 40), d)
        dictionary += 1.5 * centres[torch.randint(len(centres), (width,), generator=generator)]
    elif kind == "doubled":
        dictionary[width // 2 : width // 2 * 2] = dictionary[: width // 2]
    elif kind == "shared":
        dictionary += randn(d)
    elif kind == "sums":
        dictionary = normalize(dictionary, dim=1)
        first = dictionary[: min(d, width)]
        for row in range(len(first), width):
            parts = torch.randperm(len(first), generator=generator)[:8]
            dictionary[row] = first[parts].sum(0) + 0.6 * dictionary[row]
    dictionary = normalize(dictionary, dim=1)
    if kind == "gaussian":
        return randn(n, d), dictionary
    choice = torch.randint(min(d, width) if kind == "sums" else width, (n, atoms), generator=generator)
    weights = torch.rand(n, atoms, generator=generator, dtype=torch.float64) + 0.5
    return (weights[:, :, None] * dictionary[choice]).sum(1) + 0.05 * randn(n, d), dictionary
