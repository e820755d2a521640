"""The training of a train job: recipes from the spec, and all SAEs on one stream of activations."""

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.train.spec import TrainSpec
from saetui.jobs.kinds.train.trained_saes import WantedSAE
from saetui.lm.activation_stream import ActivationStream
from saetui.sae import TrainedSAE, TrainingError, TrainingRecipe, TrainingStep, train_saes
from saetui.sae.training.buffer import BUFFER_TOKENS, shuffled_batches


def train(
    spec: TrainSpec, context: TaskContext, stream: ActivationStream, wanted: list[WantedSAE]
) -> tuple[list[TrainedSAE], TrainingError | None]:
    """The SAEs that had all their steps, and why the others did not."""
    steps = -(-spec.tokens // spec.batch_size)

    def report(step: TrainingStep) -> None:
        metrics = {}
        for i, name in enumerate(step.names):
            metrics[f"{name} fvu"] = step.fvu[i]
            metrics[f"{name} dead"] = step.dead_fraction[i]
        context.progress("train", step.tokens, steps * spec.batch_size, "tokens", **metrics)

    buffer_tokens = min(BUFFER_TOKENS, stream.n_tokens)
    batches = shuffled_batches(stream.epochs(), spec.batch_size, buffer_tokens=buffer_tokens, seed=spec.seed)
    try:
        return train_saes(batches, training_recipes(spec, wanted), device=context.device, on_step=report), None
    except TrainingError as error:
        return error.finished, error


def training_recipes(spec: TrainSpec, wanted: list[WantedSAE]) -> list[TrainingRecipe]:
    """How each SAE is trained; SAEError where its architecture cannot be told what the spec says."""
    return [
        TrainingRecipe(
            architecture=sae.recipe.architecture,
            settings=sae.recipe.settings,
            width=sae.recipe.width,
            k=sae.recipe.k,
            steps=-(-spec.tokens // spec.batch_size),
            seed=sae.recipe.seed,
            lr=sae.recipe.lr,
            auxk=sae.recipe.auxk,
            dead_tokens=sae.recipe.dead_tokens,
            name=sae.name,
            hook_name=spec.hook_name,
            model_name=spec.model,
        )
        for sae in wanted
    ]
