"""The demo study: TopK SAEs of three widths on the embedded model, the letters they claim, and where they fire."""

from saetui.jobs.client import JobClient
from saetui.jobs.job import Job

HOOK_NAME = "blocks.1.hook_resid_post"
WIDTHS = (512, 2048, 8192)
K = 4
TOKENS = 2_000_000


def submit_demo(client: JobClient) -> list[Job]:
    """Submit the study's jobs; those that are done or under way already are given back as they are.

    Raises:
        JobError: the store does not exist.
    """
    from saetui.jobs.specs import LatentsSpec, LettersSpec, Recipe, TrainSpec

    recipes = tuple(Recipe(width=width, k=K) for width in WIDTHS)
    names = tuple(recipe.sae_name for recipe in recipes)
    train = client.submit(TrainSpec(hook_name=HOOK_NAME, recipes=recipes, tokens=TOKENS))
    letters = client.submit(LettersSpec(hook_name=HOOK_NAME, saes=names), after=[train])
    latents = client.submit(LatentsSpec(hook_name=HOOK_NAME, saes=names), after=[train])
    return [train, letters, latents]
