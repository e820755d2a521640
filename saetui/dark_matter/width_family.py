"""Which SAEs of a study are compared across widths: of one recipe, one per width, alike in L0."""

from collections.abc import Mapping, Sequence

from saetui.dark_matter.token_errors import TokenErrors
from saetui.recipes import TrainedBy, differing, recipe_groups

# Times as many latents per token as another SAE of the family has; beyond that, not the width alone differs.
_UNEQUAL = 1.5


Recipes = Mapping[str, TrainedBy | None]


def width_family(widths: Mapping[str, int], tokens: TokenErrors, recipes: Recipes | None = None) -> list[str]:
    """One SAE per width, by rising width: of several, the one of the L0 nearest to that of widths with a single one.

    ``widths`` are those of the study's SAEs, by id, and ``recipes`` say how they were trained, None where that is not
    known. All are of the recipe with the most widths; of several recipes where each has a single width.
    """
    l0 = mean_l0(tokens)
    widths = _of_one_recipe(widths, recipes or {})
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


def recipe_note(family: Sequence[str], widths: Mapping[str, int], recipes: Recipes) -> str | None:
    """What is said where the SAEs of the family are of several recipes, or others were left out as of another one."""
    if len(set(_groups({sae_id: widths[sae_id] for sae_id in family}, recipes).values())) > 1:
        what = differing(recipes.get(sae_id) for sae_id in family)
        return (
            f"the SAEs compared across widths are of different recipes ({what}): what changes with width is in part "
            "due to that"
        )
    left_out = len(widths) - len(_of_one_recipe(widths, recipes))
    if not left_out:
        return None
    what = differing(recipes.get(sae_id) for sae_id in widths)
    return (
        f"compared across widths are SAEs of one recipe; {left_out} of another {'is' if left_out == 1 else 'are'} left "
        f"out of the law, the slopes and the norms over widths (the recipes: {what})"
    )


def _groups(widths: Mapping[str, int], recipes: Recipes) -> dict[str, int | None]:
    """A number for the recipe of each SAE; None for those whose recipe is not known, which count as one."""
    numbers = recipe_groups([(recipes.get(sae_id), width) for sae_id, width in widths.items()])
    return dict(zip(widths, numbers, strict=True))


def _of_one_recipe(widths: Mapping[str, int], recipes: Recipes) -> Mapping[str, int]:
    """The SAEs of the recipe with the most widths; all where no recipe has two, and nothing could be compared."""
    groups = _groups(widths, recipes)
    of_group = [
        {sae_id: widths[sae_id] for sae_id, own in groups.items() if own == group}
        for group in sorted(set(groups.values()), key=lambda number: (number is None, number))
    ]
    chosen = max(of_group, key=lambda saes: (len(set(saes.values())), len(saes)))
    is_alone = len(set(chosen.values())) == 1 and len(set(widths.values())) > 1
    return widths if is_alone else chosen


def mean_l0(tokens: TokenErrors) -> dict[str, float]:
    """Firing latents per token of each SAE; 0 where the reconstructions came without."""
    return {
        sae_id: 0.0 if of_sae.l0 is None else float(of_sae.l0.double().mean()) for sae_id, of_sae in tokens.saes.items()
    }
