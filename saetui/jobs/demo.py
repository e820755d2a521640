"""The demo study: TopK SAEs of three widths on the embedded model, the letters they claim, and where they fire."""

import math

from saetui.jobs.client import JobClient
from saetui.jobs.job import Job

HOOK_NAME = "blocks.1.hook_resid_post"
WIDTHS = (512, 2048, 8192)
K = 4
TOKENS = 1_280_000  # Two epochs; a short run with few dead latents wants small batches and large steps.
BATCH = 512
CONTEXTS = 64  # In one forward pass: the model is so small that its layers wait for Python.
AUXK, DEAD_TOKENS = 4, 8_000


def learning_rate(width: int) -> float:
    """4e-3 at a width of 8,192 and more for narrower SAEs, up to 8e-3."""
    return min(8e-3, 4e-3 * math.sqrt(8192 / width))


def submit_demo(client: JobClient) -> list[Job]:
    """Submit the study's jobs; those that are done or under way already are given back as they are.

    Raises:
        JobError: the store does not exist.
    """
    from saetui.jobs.specs import LatentsSpec, LettersSpec, Recipe, TrainSpec

    recipes = tuple(
        Recipe(width=width, k=K, lr=learning_rate(width), auxk=AUXK, dead_tokens=DEAD_TOKENS) for width in WIDTHS
    )
    names = tuple(recipe.sae_name for recipe in recipes)
    train = client.submit(
        TrainSpec(hook_name=HOOK_NAME, recipes=recipes, tokens=TOKENS, batch_size=BATCH, harvest_batch_size=CONTEXTS)
    )
    letters = client.submit(LettersSpec(hook_name=HOOK_NAME, saes=names), after=[train])
    latents = client.submit(LatentsSpec(hook_name=HOOK_NAME, saes=names, batch_size=CONTEXTS), after=[train])
    return [train, letters, latents]
