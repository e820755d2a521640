"""The train job: one harvest of activations, SAEs of several recipes trained on it at once, each measured and saved."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from saetui.errors import downstream_loss
from saetui.jobs.context import TaskContext
from saetui.jobs.errors import JobError
from saetui.jobs.specs import Recipe, TrainSpec
from saetui.jobs.tasks.activation_stream import ActivationStream
from saetui.jobs.tasks.corpus_rows import spool_corpus, spool_model
from saetui.jobs.tasks.saes import sae_path, saved_saes
from saetui.jobs.tasks.sources import warm_model, warm_tokens
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.sae import SAE, TopKRecipe, TrainedSAE, TrainingError, TrainingStep, save_sae, train_saes
from saetui.sae.buffer import BUFFER_TOKENS, shuffled_batches
from saetui.sae.evaluation import Evaluation, evaluate
from saetui.sae.folder import read_workbench

_LOSS_CONTEXTS = 64  # Contexts on which the model's loss is compared with and without the SAE.


def run(spec: TrainSpec, context: TaskContext) -> None:
    """Train what is not there yet; SAEs that are finished stay when another one fails."""
    context.plan({"load": 6, "harvest": 10, "train": 100, "evaluate": 10})
    model = warm_model(context, spec.model, spec.dtype)
    model.site(spec.hook_name)
    corpus = warm_tokens(context, model, spec.corpus, spec.context_length, spec.max_tokens)
    wanted = [_Wanted.of(recipe, spec, model, corpus) for recipe in spec.recipes]
    saved = {sae.sae_id: sae.name for sae in saved_saes(context.store_root)}
    for sae in wanted:
        taken = [other for other, name in saved.items() if name == sae.name and other != sae.sae_id]
        if taken:
            raise JobError(f"recipes: the store has another SAE called {sae.name!r} ({taken[0]}); give this one a name")
    missing = [sae for sae in wanted if sae.sae_id not in saved]
    spool_model(context, model)
    spool_corpus(context, model, corpus)
    for sae in wanted:
        if sae not in missing:
            context.log(f"{sae.name} is trained already ({sae.sae_id})")
            _spool_sae(context, sae.sae_id)
    if not missing:
        return
    stream = ActivationStream(model, corpus, spec.hook_name, batch_size=spec.harvest_batch_size)
    stream.load(lambda done, total: context.progress("harvest", done, total, "tokens"))
    failure = None
    try:
        trained = _train(spec, context, stream, missing)
    except TrainingError as error:
        failure, trained = error, error.finished
    names = {sae.recipe.title: sae for sae in trained}
    for done, sae in enumerate(s for s in missing if s.name in names):
        context.progress("evaluate", done, len(names), "SAEs")
        _finish(spec, context, model, corpus, stream, sae, names[sae.name])
    context.progress("evaluate", len(names), len(names), "SAEs")
    if failure is not None:
        context.spool.flush()
        raise failure


@dataclass(frozen=True)
class _Wanted:
    """One SAE of the spec, known by what decides its weights."""

    sae_id: str
    recipe: Recipe

    @property
    def name(self) -> str:
        return self.recipe.sae_name

    @classmethod
    def of(cls, recipe: Recipe, spec: TrainSpec, model: LanguageModel, corpus: TokenizedCorpus) -> "_Wanted":
        settings = {
            "model": model.model_id,
            "corpus": corpus.corpus_id,
            "hook_name": spec.hook_name,
            "tokens": spec.tokens,
            "batch_size": spec.batch_size,
            "dtype": spec.dtype,
            "seed": spec.seed,
            "recipe": recipe.model_dump(mode="json"),
        }
        return cls(hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12], recipe)


def _train(spec: TrainSpec, context: TaskContext, stream: ActivationStream, wanted: list[_Wanted]) -> list[TrainedSAE]:
    steps = -(-spec.tokens // spec.batch_size)
    recipes = [
        TopKRecipe(
            width=sae.recipe.width,
            k=sae.recipe.k,
            steps=steps,
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

    def report(step: TrainingStep) -> None:
        metrics = {}
        for i, name in enumerate(step.names):
            metrics[f"{name} fvu"] = step.fvu[i]
            metrics[f"{name} dead"] = step.dead_fraction[i]
        context.progress("train", step.tokens, steps * spec.batch_size, "tokens", **metrics)

    buffer_tokens = min(BUFFER_TOKENS, stream.n_tokens)
    batches = shuffled_batches(stream.epochs(), spec.batch_size, buffer_tokens=buffer_tokens, seed=spec.seed)
    return train_saes(batches, recipes, device=context.device, on_step=report)


def _finish(
    spec: TrainSpec,
    context: TaskContext,
    model: LanguageModel,
    corpus: TokenizedCorpus,
    stream: ActivationStream,
    wanted: _Wanted,
    trained: TrainedSAE,
) -> None:
    sae = trained.sae
    (measured,) = evaluate([sae], stream.epoch())
    loss = downstream_loss(model, sae, corpus.token_ids[:_LOSS_CONTEXTS], corpus.mask[:_LOSS_CONTEXTS])
    # The row travels with the weights, so that a folder that outlived its job still enters the store whole.
    row = _row(spec, model, corpus, wanted, sae, measured) | {"ce_recovered": loss.recovered}
    sae.workbench |= {"name": wanted.name, "row": row}
    save_sae(sae, context.store_root / sae_path(wanted.sae_id))
    _spool_sae(context, wanted.sae_id)


def _spool_sae(context: TaskContext, sae_id: str) -> None:
    """The store's row of a saved SAE."""
    row = dict(read_workbench(context.store_root / sae_path(sae_id))["row"])
    row["added"] = datetime.fromisoformat(row["added"])
    context.spool.add("sae", [row])


def _row(
    spec: TrainSpec,
    model: LanguageModel,
    corpus: TokenizedCorpus,
    wanted: _Wanted,
    sae: SAE,
    measured: Evaluation,
) -> dict[str, Any]:
    return {
        "sae_id": wanted.sae_id,
        "model_id": model.model_id,
        "hook_name": spec.hook_name,
        "name": wanted.name,
        "architecture": sae.architecture,
        "d_in": sae.d_in,
        "width": sae.d_sae,
        "k": wanted.recipe.k,
        "l0": measured.l0,
        "fvu": measured.fvu,
        "dead_fraction": measured.dead_fraction,
        "tokens_trained": -(-spec.tokens // spec.batch_size) * spec.batch_size,
        "corpus_id": corpus.corpus_id,
        "n_evaluated": measured.n_tokens,
        "seed": wanted.recipe.seed,
        "source": "trained here",
        "path": str(sae_path(wanted.sae_id)),
        "added": datetime.now(UTC).replace(tzinfo=None).isoformat(),
    }
