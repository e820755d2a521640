"""SAEs that a job has trained: saved and committed at once, then measured; the next run does what is missing."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from saetui.dark_matter import downstream_loss
from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.jobs.work.disk_room import with_room
from saetui.jobs.work.shelf import sae_path, sae_row
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.lm.activation_stream import ActivationStream
from saetui.sae import SAE, save_sae
from saetui.sae.evaluation import evaluate
from saetui.sae.formats.saelens import read_workbench, write_workbench

_LOSS_CONTEXTS = 64  # Contexts on which the model's loss is compared with and without the SAE.


@dataclass(frozen=True)
class WantedSAE:
    """One SAE of the spec, known by what decides its weights."""

    sae_id: str
    recipe: Recipe

    @property
    def name(self) -> str:
        return self.recipe.sae_name

    @classmethod
    def of(cls, recipe: Recipe, spec: TrainSpec, model: LanguageModel, corpus: TokenizedCorpus) -> "WantedSAE":
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


def save_trained(
    spec: TrainSpec, context: TaskContext, model: LanguageModel, corpus: TokenizedCorpus, wanted: WantedSAE, sae: SAE
) -> None:
    """Put a trained SAE into the store's folder, and its row, as yet without figures, into the store."""
    # The row travels with the weights, so that a folder that outlived its job still enters the store whole.
    sae.workbench |= {"name": wanted.name, "row": _row(spec, model, corpus, wanted, sae)}
    path = context.store_root / sae_path(wanted.sae_id)
    with_room(context, wanted.name, lambda: save_sae(sae, path, over_damaged=True))
    commit_row(context, wanted)


def commit_row(context: TaskContext, wanted: WantedSAE) -> None:
    """Hand the row of a saved SAE, and all that is in the spool, to the store at once."""

    def write() -> None:
        context.spool.add("sae", [sae_row(context.store_root, wanted.sae_id)])
        context.spool.flush()

    with_room(context, f"the row of {wanted.name}", write)


def is_measured(context: TaskContext, sae_id: str) -> bool:
    """Whether a saved SAE has its figures; SAEError where its row is damaged."""
    return sae_row(context.store_root, sae_id).get("n_evaluated") is not None


def measure(
    context: TaskContext,
    model: LanguageModel,
    corpus: TokenizedCorpus,
    stream: ActivationStream,
    wanted: WantedSAE,
    sae: SAE,
) -> None:
    """The figures of a saved SAE: into its folder, and into its row in the store."""
    (measured,) = evaluate([sae], stream.epoch())
    loss = downstream_loss(model, sae, corpus.token_ids[:_LOSS_CONTEXTS], corpus.mask[:_LOSS_CONTEXTS])
    path = context.store_root / sae_path(wanted.sae_id)
    workbench = read_workbench(path)
    workbench["row"] |= {
        "l0": measured.l0,
        "fvu": measured.fvu,
        "dead_fraction": measured.dead_fraction,
        "n_evaluated": measured.n_tokens,
        "ce_recovered": loss.recovered,
    }
    with_room(context, f"the figures of {wanted.name}", lambda: write_workbench(path, workbench))
    commit_row(context, wanted)


def _row(spec: TrainSpec, model: LanguageModel, corpus: TokenizedCorpus, wanted: WantedSAE, sae: SAE) -> dict[str, Any]:
    return {
        "sae_id": wanted.sae_id,
        "model_id": model.model_id,
        "hook_name": spec.hook_name,
        "name": wanted.name,
        "architecture": sae.architecture,
        "d_in": sae.d_in,
        "width": sae.d_sae,
        "k": wanted.recipe.k,
        "l0": None,
        "fvu": None,
        "dead_fraction": None,
        "tokens_trained": -(-spec.tokens // spec.batch_size) * spec.batch_size,
        "corpus_id": corpus.corpus_id,
        "n_evaluated": None,
        "seed": wanted.recipe.seed,
        "recipe": spec.trained_by(wanted.recipe).text,
        "source": "trained here",
        "path": str(sae_path(wanted.sae_id)),
        "added": datetime.now(UTC).replace(tzinfo=None).isoformat(),
        "ce_recovered": None,
    }
