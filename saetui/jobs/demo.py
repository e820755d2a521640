"""The demo study: TopK SAEs on the embedded model, the letters they claim and absorb, and what they leave out."""

import math

from saetui.jobs.client import JobClient
from saetui.jobs.job import Job

HOOK_NAME = "blocks.1.hook_resid_post"
# Four widths at one L0 and three L0 at one width: what absorption and error do with either shows.
GRID = ((512, 2), (512, 4), (512, 8), (1024, 4), (2048, 4), (8192, 4))
TOKENS = 1_280_000  # Two epochs; a short run with few dead latents wants small batches and large steps.
BATCH = 512
CONTEXTS = 64  # In one forward pass: the model is so small that its layers wait for Python.
AUXK, DEAD_TOKENS = 4, 8_000
STUDIED_TOKENS = 80_000  # The same tokens for latents and errors, so that a hard token's latents are known.


def learning_rate(width: int) -> float:
    """4e-3 at a width of 8,192 and more for narrower SAEs, up to 8e-3."""
    return min(8e-3, 4e-3 * math.sqrt(8192 / width))


def submit_demo(client: JobClient) -> list[Job]:
    """Submit the study's jobs; those that are done or under way already are given back as they are.

    Raises:
        JobError: the store does not exist.
    """
    from saetui.jobs.kinds.absorbed_errors.spec import AbsorbedErrorsSpec
    from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
    from saetui.jobs.kinds.errors.spec import ErrorsSpec
    from saetui.jobs.kinds.latents.spec import LatentsSpec
    from saetui.jobs.kinds.train.spec import Recipe, TrainSpec

    recipes = tuple(
        Recipe(width=width, k=k, lr=learning_rate(width), auxk=AUXK, dead_tokens=DEAD_TOKENS) for width, k in GRID
    )
    names = tuple(recipe.sae_name for recipe in recipes)
    train = client.submit(
        TrainSpec(hook_name=HOOK_NAME, recipes=recipes, tokens=TOKENS, batch_size=BATCH, harvest_batch_size=CONTEXTS)
    )
    absorption = client.submit(AbsorptionSpec(saes=names), after=[train])
    tokens = {"hook_name": HOOK_NAME, "saes": names, "max_tokens": STUDIED_TOKENS, "batch_size": CONTEXTS}
    latents = client.submit(LatentsSpec.model_validate(tokens), after=[train])
    errors = client.submit(ErrorsSpec.model_validate(tokens), after=[train])
    compared = client.submit(AbsorbedErrorsSpec(hook_name=HOOK_NAME, saes=names), after=[absorption, errors])
    return [train, absorption, latents, errors, compared]
