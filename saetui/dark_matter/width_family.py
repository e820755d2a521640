"""Which SAEs of a study are compared across widths: one per width, alike in L0."""

from collections.abc import Mapping

from saetui.dark_matter.token_errors import TokenErrors

# Times as many latents per token as another SAE of the family has; beyond that, not the width alone differs.
_UNEQUAL = 1.5


def width_family(widths: Mapping[str, int], tokens: TokenErrors) -> list[str]:
    """One SAE per width, by rising width: of several, the one of the L0 nearest to that of widths with a single one.

    ``widths`` are those of the study's SAEs, by id.
    """
    l0 = mean_l0(tokens)
    by_width: dict[int, list[str]] = {}
    for sae_id, width in sorted(widths.items(), key=lambda item: item[1]):
        by_width.setdefault(width, []).append(sae_id)
    alone = sorted(l0[ids[0]] for ids in by_width.values() if len(ids) == 1) or sorted(l0[sae_id] for sae_id in widths)
    target = alone[len(alone) // 2]
    return [min(ids, key=lambda sae_id: abs(l0[sae_id] - target)) for ids in by_width.values()]


def family_note(family: list[str], tokens: TokenErrors) -> str | None:
    """A warning where the SAEs of the family differ in L0 too; None where they are alike."""
    l0 = mean_l0(tokens)
    low, high = min(l0[sae_id] for sae_id in family), max(l0[sae_id] for sae_id in family)
    if high <= _UNEQUAL * low:
        return None
    return (
        f"the SAEs compared across widths have L0 {low:.1f} to {high:.1f}: what changes with width is in part due to L0"
    )


def mean_l0(tokens: TokenErrors) -> dict[str, float]:
    """Firing latents per token of each SAE; 0 where the reconstructions came without."""
    return {
        sae_id: 0.0 if of_sae.l0 is None else float(of_sae.l0.double().mean()) for sae_id, of_sae in tokens.saes.items()
    }
