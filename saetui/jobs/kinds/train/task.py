"""The train job: one harvest of activations, several SAEs trained on it at once, each saved, then measured."""

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.train.saved_saes import saved_saes
from saetui.jobs.kinds.train.spec import TrainSpec
from saetui.jobs.kinds.train.trained_saes import WantedSAE, commit_row, measure, save_trained
from saetui.jobs.kinds.train.training import place_activations, train, training_recipes
from saetui.jobs.work.corpus_rows import spool_corpus, spool_model
from saetui.jobs.work.disk_room import with_room
from saetui.jobs.work.shelf import read_shelf
from saetui.jobs.work.sources import warm_model, warm_tokens
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.lm.activation_stream import ActivationStream
from saetui.sae import (
    SAE,
    SAEError,
)
from store.exceptions import SpoolError


def run(spec: TrainSpec, context: TaskContext) -> None:
    """Train the SAEs that are missing; those that are finished stay when another one fails, or the job is killed."""
    context.plan({"load": 6, "harvest": 10, "train": 100, "evaluate": 10})
    model = warm_model(context, spec.model, spec.dtype)
    model.site(spec.hook_name)
    corpus = warm_tokens(context, model, spec.corpus, spec.context_length, spec.max_tokens)
    wanted = [WantedSAE.of(recipe, spec, model, corpus) for recipe in spec.recipes]
    saved = saved_saes(context, wanted, read_shelf(context.store_root))
    missing = [sae for sae in wanted if sae.sae_id not in saved]
    training_recipes(spec, missing)  # Errors in a recipe are reported before the harvest.
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
    placement = place_activations(spec, model, corpus, missing)
    context.log(placement.text)
    stream = ActivationStream(model, corpus, spec.hook_name, placement, batch_size=spec.harvest_batch_size)
    stream.load(lambda done, total: context.progress("harvest", done, total, "tokens"))
    failure: Exception | None = None
    if missing:
        trained, failure = train(spec, context, stream, missing)
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


def _spool_sources(context: TaskContext, model: LanguageModel, corpus: TokenizedCorpus) -> None:
    spool_model(context, model)
    spool_corpus(context, model, corpus)
    context.spool.flush()
