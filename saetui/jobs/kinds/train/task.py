"""The train job: one harvest of activations, several SAEs trained on it at once, each saved, then measured."""

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.train.spec import TrainSpec
from saetui.jobs.kinds.train.trained_saes import WantedSAE, commit_row, is_measured, measure, save_trained
from saetui.jobs.work.corpus_rows import spool_corpus, spool_model
from saetui.jobs.work.disk_room import with_room
from saetui.jobs.work.shelf import Shelf, read_shelf, sae_path
from saetui.jobs.work.sources import warm_model, warm_tokens
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.lm.activation_stream import ActivationStream
from saetui.sae import (
    SAE,
    SAEError,
    TrainedSAE,
    TrainingError,
    TrainingRecipe,
    TrainingStep,
    load_sae,
    train_saes,
)
from saetui.sae.formats.saelens import refuse_foreign
from saetui.sae.training.buffer import BUFFER_TOKENS, shuffled_batches
from store.exceptions import SpoolError


def run(spec: TrainSpec, context: TaskContext) -> None:
    """Train the SAEs that are missing; those that are finished stay when another one fails, or the job is killed."""
    context.plan({"load": 6, "harvest": 10, "train": 100, "evaluate": 10})
    model = warm_model(context, spec.model, spec.dtype)
    model.site(spec.hook_name)
    corpus = warm_tokens(context, model, spec.corpus, spec.context_length, spec.max_tokens)
    wanted = [WantedSAE.of(recipe, spec, model, corpus) for recipe in spec.recipes]
    saved = _saved(context, wanted, read_shelf(context.store_root))
    missing = [sae for sae in wanted if sae.sae_id not in saved]
    _recipes(spec, missing)  # Errors in a recipe are reported before the harvest.
    if saved:
        with_room(context, "the corpus", lambda: _spool_sources(context, model, corpus))
    # Saved by a run that did not live to measure them.
    unmeasured: list[tuple[WantedSAE, SAE]] = []
    for sae in wanted:
        if sae in missing:
            continue
        context.log(f"{sae.name} is trained already ({sae.sae_id})")
        commit_row(context, sae)
        if (weights := saved[sae.sae_id]) is not None:
            unmeasured.append((sae, weights))
    if not missing and not unmeasured:
        return
    stream = ActivationStream(model, corpus, spec.hook_name, batch_size=spec.harvest_batch_size)
    stream.load(lambda done, total: context.progress("harvest", done, total, "tokens"))
    failure: Exception | None = None
    if missing:
        trained, failure = _train(spec, context, stream, missing)
        names = {sae.recipe.title: sae.sae for sae in trained}
        finished = [(sae, names[sae.name]) for sae in missing if sae.name in names]
        if finished and not saved:
            with_room(context, "the corpus", lambda: _spool_sources(context, model, corpus))
        # All are saved before any is measured: measuring takes time, and is done later where it is missing.
        for sae, weights in finished:
            try:
                save_trained(spec, context, model, corpus, sae, weights)
            except (SAEError, SpoolError) as error:
                context.log(f"{sae.name} cannot be saved: {error}")
                failure = failure or error
            else:
                unmeasured.append((sae, weights))
    for done, (sae, weights) in enumerate(unmeasured):
        context.progress("evaluate", done, len(unmeasured), "SAEs")
        measure(context, model, corpus, stream, sae, weights)
    context.progress("evaluate", len(unmeasured), len(unmeasured), "SAEs")
    if failure is not None:
        raise failure


def _saved(context: TaskContext, wanted: list[WantedSAE], shelf: Shelf) -> dict[str, SAE | None]:
    """The wanted SAEs that are in the store's folder and sound, by id; loaded where they have no figures yet.

    A damaged one is trained again, with a message.

    Raises:
        JobError: another SAE has the name of a wanted one.
        SAEError: the folder of a wanted one holds other things.
    """
    ids = {sae.sae_id for sae in wanted}
    for sae in wanted:
        taken = [other.sae_id for other in shelf.sound if other.name == sae.name and other.sae_id != sae.sae_id]
        if taken:
            raise JobError(f"recipes: the store has another SAE called {sae.name!r} ({taken[0]}); give this one a name")
    reasons = {damaged.sae_id: damaged.reason for damaged in shelf.damaged if damaged.sae_id in ids}
    saved: dict[str, SAE | None] = {}
    for sound in shelf.sound:
        if sound.sae_id not in ids:
            continue
        try:
            loaded = load_sae(context.store_root / sae_path(sound.sae_id), context.device)
            saved[sound.sae_id] = None if is_measured(context, sound.sae_id) else loaded
        except SAEError as error:
            reasons[sound.sae_id] = str(error)
    for sae in wanted:
        if sae.sae_id in reasons:
            context.note(f"{sae.name} is trained again, since its folder is damaged: {reasons[sae.sae_id]}")
        if sae.sae_id not in saved:
            # Before the training, which would be lost where its result cannot be put into its place.
            refuse_foreign(context.store_root / sae_path(sae.sae_id), over_damaged=True)
    return saved


def _spool_sources(context: TaskContext, model: LanguageModel, corpus: TokenizedCorpus) -> None:
    spool_model(context, model)
    spool_corpus(context, model, corpus)
    context.spool.flush()


def _train(
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
        return train_saes(batches, _recipes(spec, wanted), device=context.device, on_step=report), None
    except TrainingError as error:
        return error.finished, error


def _recipes(spec: TrainSpec, wanted: list[WantedSAE]) -> list[TrainingRecipe]:
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
