"""The letters job: probes for the 26 letters at a hook point, and how well each SAE's latents stand for them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl
import torch

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.specs import LettersSpec, WordsSpec
from saetui.jobs.work.saes import find_saes
from saetui.jobs.work.sources import warm_model
from saetui.jobs.work.words import LetterSite, LetterWords, warm_words
from saetui.letters import (
    LETTERS,
    SparseLatents,
    SparseProbe,
    letter_latents,
    probe_metrics,
    sparse_probes,
    usable_letters,
)
from saetui.lm import LanguageModel
from saetui.sae import SAE
from saetui.sae.base import FIRING
from saetui.sae.geometry import folded_values


def run(spec: LettersSpec, context: TaskContext) -> None:
    """Probes and words once, then every SAE; the rows of one SAE are independent of the others'."""
    context.plan({"load": 6, "read": 22, "probes": 4, "latents": 8})
    model = warm_model(context, spec.model)
    saes = find_saes(context, spec.saes, model, spec.hook_name)
    words = warm_words(spec, context, model)
    words.read(context, [spec.hook_name])
    site = words.site(context, spec.hook_name)
    spool_probes(spec, context, model, words, site)
    silent: list[NothingFiresError] = []
    for done, (sae_id, sae) in enumerate(saes.items()):
        context.progress("latents", done, len(saes), "SAEs")
        try:
            of_words = WordLatents(spec, words, site, sae)
        except NothingFiresError as error:
            context.note(f"{error} It is left out")
            silent.append(error)
            continue
        spool_letter_latents(spec, context, words, site, sae_id, of_words)
        # The rows of one SAE are whole, whatever becomes of the next one.
        context.spool.flush()
    context.progress("latents", len(saes), len(saes), "SAEs")
    if len(silent) == len(saes):
        raise silent[0]


class NothingFiresError(JobError):
    """No latent of an SAE fires on any word."""


class WordLatents:
    """What an SAE makes of every word's activation, and the sparse probes of every letter on it.

    Raises:
        NothingFiresError: there is nothing to probe.
    """

    def __init__(self, spec: WordsSpec, words: LetterWords, site: LetterSite, sae: SAE) -> None:
        self.sae = sae
        self.activations = words.readings.at_word[site.hook_name]
        indices, values = sae.encode_sparse(self.activations.to(sae.device))
        if not bool((values[~words.is_test.to(values.device)] > FIRING).any()):
            raise NothingFiresError(
                f"saes: no latent of {sae.workbench.get('name', 'the SAE')} fires on any word at {site.hook_name}; "
                "is it dead, or an SAE of another hook point?"
            )
        # What multiplies the decoder rows, in model units.
        self.weights = sae.decoder_weights(indices, values).cpu()
        # Activations as the SAE gives them are for people; all that compares latents has decoder norms folded in.
        self.latents = SparseLatents(indices.cpu(), values.cpu(), sae.d_sae)
        self.folded = SparseLatents(self.latents.indices, folded_values(sae, indices, values).cpu(), sae.d_sae)
        train, test = ~words.is_test, words.is_test
        self.probes: Mapping[int, SparseProbe] = sparse_probes(
            self.folded.rows(train),
            words.letters[train],
            self.folded.rows(test),
            words.letters[test],
            ks=range(1, min(spec.max_k, sae.d_sae) + 1),
            tau=spec.tau,
        )


def spool_probes(
    spec: WordsSpec, context: TaskContext, model: LanguageModel, words: LetterWords, site: LetterSite
) -> list[str]:
    """The rows of the 26 probes and of every word; gives the usable letters."""
    activations, readings = words.readings.at_word[site.hook_name], words.readings
    metrics = probe_metrics(site.probes, activations[words.is_test], words.letters[words.is_test])
    usable = usable_letters(metrics, words.split.skipped_letters)
    created = datetime.now(UTC).replace(tzinfo=None)
    rows: list[dict[str, Any]] = []
    for i, (letter, metric) in enumerate(zip(LETTERS, metrics, strict=True)):
        own = words.letters == i
        rows.append(
            {
                "probe_id": site.probe_id,
                "model_id": model.model_id,
                "hook_name": site.hook_name,
                "letter": letter,
                "n_train": int((own & ~words.is_test).sum()),
                "n_test": metric.support,
                "usable": letter in usable,
                "precision": metric.precision,
                "recall": metric.recall,
                "f1": metric.f1,
                "auroc": metric.auroc,
                "bias": float(site.probes.bias[i] / site.probes.weight[i].norm()),
                "direction": site.probes.directions[i].tolist(),
                "seed": spec.seed,
                "model_accuracy": float(readings.correct[own].float().mean()) if bool(own.any()) else None,
                "created": created,
            }
        )
    context.spool.add("probe", pl.DataFrame(rows, schema_overrides={"direction": pl.List(pl.Float32)}))
    context.spool.add(
        "word",
        pl.DataFrame(
            {
                "probe_id": site.probe_id,
                "token_id": [word.token_id for word in words.words],
                "surface": [word.surface for word in words.words],
                "letter": [word.letter for word in words.words],
                "split": ["test" if test else "train" for test in words.is_test.tolist()],
                "probe_logit": site.probes.logits(activations).gather(1, words.letters[:, None])[:, 0].tolist(),
                "answer_margin": readings.margins.tolist(),
                "answered": readings.correct.tolist(),
            }
        ),
    )
    return usable


def spool_letter_latents(
    spec: WordsSpec, context: TaskContext, words: LetterWords, site: LetterSite, sae_id: str, of_words: WordLatents
) -> None:
    """The rows of every letter's latents, and of the latents that fire on each word."""
    sae, latents = of_words.sae, of_words.latents
    # A latent was trained on no letter, so all words judge it; only the probes keep a side to be tested on.
    found = letter_latents(
        latents,
        words.letters,
        sae.encoder_directions().cpu(),
        sae.decoder_directions().cpu(),
        site.probes.directions,
        top=spec.latents_per_letter,
        also={LETTERS[i]: list(probe.main_latents) for i, probe in of_words.probes.items()},
        pre_activations=lambda chosen: sae.pre_activations(of_words.activations, chosen).cpu(),
    )
    rows = []
    for letter, listed in found.items():
        probe = of_words.probes.get(LETTERS.index(letter))
        gains = f1_gains(probe) if probe is not None else {}
        for rank, row in enumerate(listed, start=1):
            rows.append(
                {
                    "sae_id": sae_id,
                    "probe_id": site.probe_id,
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
                    "is_main": None if probe is None else row.latent in probe.main_latents,
                    "f1_gain": gains.get(row.latent),
                }
            )
    overrides = {"is_main": pl.Boolean, "f1_gain": pl.Float64, "auroc": pl.Float64}
    context.spool.add("letter_latent", pl.DataFrame(rows, schema_overrides=overrides, infer_schema_length=None))
    fired, slot = (latents.values > 0).nonzero(as_tuple=True)
    token_ids = torch.tensor([word.token_id for word in words.words])
    context.spool.add(
        "word_activation",
        pl.DataFrame(
            {
                "sae_id": sae_id,
                "probe_id": site.probe_id,
                "token_id": token_ids[fired].numpy(),
                "latent": latents.indices[fired, slot].numpy(),
                "activation": latents.values[fired, slot].numpy(),
            }
        ),
    )


def spool_sparse_probes(context: TaskContext, site: LetterSite, sae_id: str, of_words: WordLatents) -> None:
    """The rows of every letter's sparse probes."""
    context.spool.add(
        "sparse_probe",
        pl.DataFrame(
            [
                {
                    "sae_id": sae_id,
                    "probe_id": site.probe_id,
                    "letter": LETTERS[i],
                    "k": k,
                    "latent": latent,
                    "precision": probe.precision[k - 1],
                    "recall": probe.recall[k - 1],
                    "f1": probe.f1[k - 1],
                    "sum_f1": probe.sum_f1[k - 1],
                }
                for i, probe in of_words.probes.items()
                for k, latent in enumerate(probe.ranked_latents, start=1)
            ]
        ),
    )


def f1_gains(probe: SparseProbe) -> dict[int, float]:
    """What each latent adds to the F1 of those before it, over the ranks that were tried."""
    before = [0.0, *probe.f1[:-1]]
    ranked = probe.ranked_latents[: len(probe.f1)]
    return {latent: f1 - last for latent, f1, last in zip(ranked, probe.f1, before, strict=True)}
