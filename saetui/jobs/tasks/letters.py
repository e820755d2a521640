"""The letters job: probes for the 26 letters at a hook point, and how well each SAE's latents stand for them."""

import hashlib
from collections.abc import Callable
from typing import Any

import polars as pl
import torch
from jaxtyping import Float
from torch import Tensor

from saetui.jobs.context import TaskContext
from saetui.jobs.specs import LettersSpec
from saetui.jobs.tasks.sources import find_saes, warm_model
from saetui.letters import (
    LETTERS,
    Answers,
    LetterProbes,
    ProbeSettings,
    SparseLatents,
    Split,
    Word,
    encode_prompts,
    first_letter_prompts,
    first_letter_words,
    letter_indices,
    letter_latents,
    model_answers,
    probe_metrics,
    split_words,
    train_probes,
    usable_letters,
    word_activations,
)
from saetui.lm import LanguageModel
from saetui.sae import SAE


def run(spec: LettersSpec, context: TaskContext) -> None:
    """Probes and words once, then every SAE; the rows of one SAE are independent of the others'."""
    context.plan({"load": 6, "ask": 20, "read": 8, "probes": 3, "latents": 4})
    model = warm_model(context, spec.model)
    saes = find_saes(context, spec.saes, model, spec.hook_name)
    split = split_words(
        first_letter_words(model.tokenizer, leading_space=spec.leading_space),
        test_share=spec.test_share,
        seed=spec.seed,
    )
    study = _Words(spec, context, model, split)
    _spool_probes(spec, context, model, study)
    for done, (sae_id, sae) in enumerate(saes.items()):
        context.progress("latents", done, len(saes), "SAEs")
        _spool_latents(spec, context, study, sae_id, sae)
    context.progress("latents", len(saes), len(saes), "SAEs")


class _Words:
    """Every word's activation and the model's answer; words of both sides, train first."""

    def __init__(self, spec: LettersSpec, context: TaskContext, model: LanguageModel, split: Split) -> None:
        prompts = first_letter_prompts([*split.train, *split.test], split.train, examples=spec.examples, seed=spec.seed)
        encoding = encode_prompts(model.tokenizer, prompts)
        self.split = split
        self.answers: Answers = model_answers(
            model, encoding, batch_size=spec.batch_size, progress=_progress(context, "ask")
        )
        self.words, self.activations = word_activations(
            model, encoding, spec.hook_name, batch_size=spec.batch_size, progress=_progress(context, "read")
        )
        self.letters = letter_indices(self.words)
        test = set(split.test)
        self.is_test = torch.tensor([word in test for word in self.words])
        context.progress("probes", 0, None, "probes")
        self.probes: LetterProbes = train_probes(
            self.activations[~self.is_test], self.letters[~self.is_test], ProbeSettings(seed=spec.seed)
        )
        words = [word.surface for word in encoding.split_words]
        if words:
            context.log(f"{len(words)} words left out, since the tokenizer splits them in a prompt: {' '.join(words)}")
        if split.skipped_letters:
            context.log(f"letters with too few words to be measured: {', '.join(split.skipped_letters)}")
        self.probe_id = _probe_id(spec, model, self.words)


def _progress(context: TaskContext, phase: str) -> Callable[[int, int], None]:
    return lambda done, total: context.progress(phase, done, total, "words")


def _probe_id(spec: LettersSpec, model: LanguageModel, words: list[Word]) -> str:
    """The same for the same probes: it does not depend on which SAEs are looked at."""
    settings = (model.model_id, spec.hook_name, spec.examples, spec.test_share, spec.seed, [w.token_id for w in words])
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]


def _spool_probes(spec: LettersSpec, context: TaskContext, model: LanguageModel, study: _Words) -> None:
    metrics = probe_metrics(study.probes, study.activations[study.is_test], study.letters[study.is_test])
    usable = usable_letters(metrics, study.split.skipped_letters)
    correct = study.answers.correct
    answered_letters = letter_indices(study.answers.words)
    rows: list[dict[str, Any]] = []
    for i, (letter, metric) in enumerate(zip(LETTERS, metrics, strict=True)):
        of_letter = correct[answered_letters == i]
        rows.append(
            {
                "probe_id": study.probe_id,
                "model_id": model.model_id,
                "hook_name": spec.hook_name,
                "letter": letter,
                "n_train": int(((study.letters == i) & ~study.is_test).sum()),
                "n_test": metric.support,
                "usable": letter in usable,
                "precision": metric.precision,
                "recall": metric.recall,
                "f1": metric.f1,
                "auroc": metric.auroc,
                "bias": float(study.probes.bias[i] / study.probes.weight[i].norm()),
                "direction": study.probes.directions[i].tolist(),
                "seed": spec.seed,
                "model_accuracy": float(of_letter.float().mean()) if len(of_letter) else None,
            }
        )
    context.spool.add("probe", pl.DataFrame(rows, schema_overrides={"direction": pl.List(pl.Float32)}))
    answers = dict(
        zip(study.answers.words, zip(study.answers.margins.tolist(), correct.tolist(), strict=True), strict=True)
    )
    own = study.probes.logits(study.activations).gather(1, study.letters[:, None])[:, 0]
    context.spool.add(
        "word",
        pl.DataFrame(
            {
                "probe_id": study.probe_id,
                "token_id": [word.token_id for word in study.words],
                "surface": [word.surface for word in study.words],
                "letter": [word.letter for word in study.words],
                "split": ["test" if test else "train" for test in study.is_test.tolist()],
                "probe_logit": own.tolist(),
                "answer_margin": [answers[word][0] for word in study.words],
                "answered": [answers[word][1] for word in study.words],
            }
        ),
    )


def _spool_latents(spec: LettersSpec, context: TaskContext, study: _Words, sae_id: str, sae: SAE) -> None:
    indices, values = (part.cpu() for part in sae.encode_sparse(study.activations.to(sae.device)))
    # A latent was trained on no letter, so all words judge it; only the probes keep a side to be tested on.
    found = letter_latents(
        SparseLatents(indices, values, sae.d_sae),
        study.letters,
        sae.encoder_directions().cpu(),
        sae.decoder_directions().cpu(),
        study.probes.directions,
        top=spec.latents_per_letter,
        pre_activations=lambda latents: sae.pre_activations(study.activations, latents).cpu(),
    )
    rows = [
        {
            "sae_id": sae_id,
            "probe_id": study.probe_id,
            "letter": letter,
            "rank": rank,
            "latent": row.latent,
            "precision": row.precision,
            "recall": row.recall,
            "f1": row.f1,
            "auroc": row.auroc,
            "cos_encoder": row.cos_encoder,
            "cos_decoder": row.cos_decoder,
            "by_encoder": row.by_encoder,
            "is_main": None,
            "f1_gain": None,
        }
        for letter, latents in found.items()
        for rank, row in enumerate(latents, start=1)
    ]
    overrides = {"is_main": pl.Boolean, "f1_gain": pl.Float64}
    context.spool.add("letter_latent", pl.DataFrame(rows, schema_overrides=overrides, infer_schema_length=None))
    row, slot = (values > 0).nonzero(as_tuple=True)
    token_ids = torch.tensor([word.token_id for word in study.words])
    firing: Float[Tensor, " fire"] = values[row, slot]
    context.spool.add(
        "word_activation",
        pl.DataFrame(
            {
                "sae_id": sae_id,
                "probe_id": study.probe_id,
                "token_id": token_ids[row].numpy(),
                "latent": indices[row, slot].numpy(),
                "activation": firing.numpy(),
            }
        ),
    )
