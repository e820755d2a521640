"""The training of a train job: recipes from the spec, and all SAEs on one stream of activations."""

from collections.abc import Iterator

import torch
from torch import Tensor

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.train.spec import TrainSpec
from saetui.jobs.kinds.train.trained_saes import WantedSAE
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.lm.activation_stream import ActivationStream, Placement, place
from saetui.sae import TrainedSAE, TrainingError, TrainingRecipe, TrainingStep, train_saes
from saetui.sae.training.buffer import BUFFER_TOKENS, sent_ahead, shuffled_batches

# Encoder and decoder, with their gradients and Adam's two moments; and what a step keeps of each token's latents.
_MATRICES, _PRE_ACTIVATIONS = 8, 3


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

    placement, size = stream.placement, spec.batch_size
    batches: Iterator[Tensor]
    if placement.kept:
        rows = shuffled_batches(stream.row_epochs(), size, buffer_tokens=placement.buffer_tokens, seed=spec.seed)
        batches = map(stream.rows, rows)
    else:
        batches = shuffled_batches(stream.epochs(), size, buffer_tokens=placement.buffer_tokens, seed=spec.seed)
    batches = sent_ahead(batches, torch.device(context.device))
    try:
        return train_saes(batches, training_recipes(spec, wanted), device=context.device, on_step=report), None
    except TrainingError as error:
        return error.finished, error


def place_activations(
    spec: TrainSpec, model: LanguageModel, corpus: TokenizedCorpus, wanted: list[WantedSAE]
) -> Placement:
    """Where the activations go, with room left for the SAEs that are trained on them."""
    width = model.site(spec.hook_name).width
    latents = sum(sae.recipe.width for sae in wanted)
    widest = max((sae.recipe.width for sae in wanted), default=0)
    reserved = 4 * (_MATRICES * latents * width + _PRE_ACTIVATIONS * widest * spec.batch_size)
    return place(corpus.n_tokens, width, model.device, buffer_tokens=BUFFER_TOKENS, reserved=reserved)


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
