"""Feature splitting: how many latents a letter needs, from the F1 of its k-sparse probes (2409.14507, splitting)."""

from collections.abc import Sequence

# F1 that another latent must add to count as one of those a letter is split into (2409.14507).
SPLIT_F1 = 0.03


def n_main(f1: Sequence[float], tau: float = SPLIT_F1) -> int:
    """Number of entries of an F1 sequence up to the first that is not more than ``tau`` above the one before it.

    The entries belong to growing sets of latents. The walk ends at the first small step even where a later one is
    large, as in the authors' code. The first set always counts. Raises ValueError for an empty sequence.
    """
    if not f1:
        raise ValueError("an F1 sequence needs one entry at least")
    for place in range(1, len(f1)):
        if f1[place] - f1[place - 1] <= tau:
            return place
    return len(f1)


def main_latents(
    ranked_latents: Sequence[int], f1: Sequence[float], tau: float = SPLIT_F1, ks: Sequence[int] | None = None
) -> list[int]:
    """The latents that a letter is split into: the first k of its ranking, k by the rule of ``n_main``.

    ``ks[i]`` is the number of latents behind ``f1[i]``; without it they are 1, 2, 3, …
    """
    place = n_main(f1, tau)
    return list(ranked_latents[: place if ks is None else ks[place - 1]])
