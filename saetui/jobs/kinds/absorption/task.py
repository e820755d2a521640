"""The absorption job: letters, main latents, and what takes over where the main latents are silent (2409.14507 §6)."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import polars as pl
import torch
from torch import Tensor

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.absorption.judged_words import JudgedWords, judged_words, spool_judged
from saetui.jobs.kinds.letters.task import (
    NothingFiresError,
    WordLatents,
    spool_letter_latents,
    spool_probes,
    spool_sparse_probes,
)
from saetui.jobs.specs import AbsorptionSpec
from saetui.jobs.work.saes import UNUSABLE, LeftOut, saes_by_site, warm_sae
from saetui.jobs.work.shelf import SavedSAE, sae_path
from saetui.jobs.work.sources import warm_model
from saetui.jobs.work.studied import StudiedMarker
from saetui.jobs.work.words import LetterSite, LetterWords, warm_words
from saetui.letters import LETTERS, Ablations, exact_ablations, mean_rate, probe_metrics, word_effects
from saetui.lm import LanguageModel
from saetui.sae import SAE, SAEError
from saetui.sae.base import FIRING
from saetui.sae.folder import WEIGHTS

# Below it a change of the model's answer says little about the letter.
MIN_ACCURACY = 0.5
# Mean F1 of probes at the end of the prompt above which the letter has moved there (2409.14507 §6).
MOVED_F1 = 0.6


def run(spec: AbsorptionSpec, context: TaskContext) -> None:
    """Read the prompts once for all hook points; then one SAE after another, each kept as soon as it is done."""
    context.plan({"load": 6, "read": 22, "probes": 6, "study": 30})
    model = warm_model(context, spec.model)
    sites = saes_by_site(context, spec.saes, model, spec.hook_names)
    words = warm_words(spec, context, model)
    words.read(context, list(sites))
    # Of SAEs that cannot be studied, the first that the spec names itself, and the first of all.
    left_out = LeftOut(context)
    failed: Exception | None = None
    silent: list[NothingFiresError] = []
    done, total = 0, sum(len(saes) for saes in sites.values())
    studied: list[str] = []
    for hook_name, saes in sites.items():
        site = words.site(context, hook_name)
        usable = spool_probes(spec, context, model, words, site)
        for saved in saes:
            context.progress("study", done, total, "SAEs")
            study = _Study(spec, context, model, words, site, usable, saved, (done, total))
            try:
                with left_out.unless_named(saved):
                    if study.is_done() and not spec.again:
                        context.log(f"{saved.name} was studied with these settings before; its rows are kept")
                    else:
                        study.run()
                    studied.append(saved.sae_id)
            except NothingFiresError as error:
                context.note(f"{error} It is left out")
                silent.append(error)
            except UNUSABLE as error:
                context.note(f"{saved.name} cannot be studied: {error}")
                failed = failed or error
            done += 1
    context.progress("study", total, total, "SAEs")
    if failed is not None:
        raise failed
    if not studied and silent:
        raise silent[0]
    left_out.require(studied)


class _Study:
    """One SAE at one hook point."""

    def __init__(
        self,
        spec: AbsorptionSpec,
        context: TaskContext,
        model: LanguageModel,
        words: LetterWords,
        site: LetterSite,
        usable: list[str],
        saved: SavedSAE,
        turn: tuple[int, int],
    ) -> None:
        self._spec, self._context, self._model = spec, context, model
        self._words, self._site, self._usable, self._saved = words, site, usable, saved
        self._done, self._total = turn
        self._marker = StudiedMarker(
            context.store_root, words.folder / "studied" / f"{site.hook_name}.{saved.sae_id}.json"
        )

    def is_done(self) -> bool:
        """Whether the rows of this SAE, with these settings, have been handed to the store already."""
        return self._marker.settings() == self._settings()

    def run(self) -> None:
        spec, context, words, site = self._spec, self._context, self._words, self._site
        sae = warm_sae(context, self._model, site.hook_name, self._saved)
        latents = WordLatents(spec, words, site, sae)
        spool_letter_latents(spec, context, words, site, self._saved.sae_id, latents)
        spool_sparse_probes(context, site, self._saved.sae_id, latents)
        judged = judged_words(spec, words, site, latents)
        if words.readings.accuracy >= MIN_ACCURACY:
            self._measure(sae, judged)
        spool_judged(context, self._saved.sae_id, words, site, judged)
        self._spool_run(judged)
        # Rows first, then the marker: a job that is killed in between measures once more, and loses nothing.
        self._marker.set(self._settings(), context.spool.flush())

    def _measure(self, sae: SAE, judged: list[JudgedWords]) -> None:
        """Effects of the latents on the words that are sampled, and of the leading ones by running the model again."""
        spec, words = self._spec, self._words
        for of_letter in judged:
            of_letter.attributed = of_letter.to_attribute(spec.max_words)
        chosen = [(of_letter, place) for of_letter in judged for place in of_letter.attributed.nonzero()[:, 0].tolist()]
        if not chosen:
            return
        rows = torch.stack([of_letter.words[place] for of_letter, place in chosen])
        done = 0
        for places, tokens, position in words.prompts_of(rows):
            letters = words.letters[rows[places]]
            found = word_effects(
                self._model,
                sae,
                self._site.hook_name,
                tokens,
                letters,
                position=position,
                attribution=spec.attribution,
                steps=spec.ig_steps,
                path=spec.ig_path,
                rule=spec.ig_rule,
                progress=partial(self._progress, done, len(rows)),
            )
            for effects, indices, place in zip(found.effects, found.indices, places.tolist(), strict=True):
                of_letter, own = chosen[place]
                of_letter.effects[own] = _on_slots(of_letter.indices[own], indices, effects)
            self._ablate(sae, [chosen[place] for place in places.tolist()], tokens, letters, position)
            done += len(places)

    def _progress(self, before: int, total: int, done: int, _: int) -> None:
        share = (before + done) / total
        self._context.progress("study", self._done + share, self._total, "SAEs")

    def _ablate(
        self, sae: SAE, chosen: list[tuple[JudgedWords, int]], tokens: Tensor, letters: Tensor, position: int
    ) -> None:
        """The leading latents of each word, removed for real."""
        leading = [_leading(of_letter, place, self._spec.exact_top) for of_letter, place in chosen]
        if not any(leading):
            return
        found = exact_ablations(self._model, sae, self._site.hook_name, tokens, letters, leading, position=position)
        token_ids = [self._words.words[int(of_letter.words[place])].token_id for of_letter, place in chosen]
        self._context.spool.add("ablation", ablation_rows(found, self._saved.sae_id, self._site.probe_id, token_ids))

    def _spool_run(self, judged: list[JudgedWords]) -> None:
        """The run's settings, and its rates at its own thresholds."""
        spec, words, site = self._spec, self._words, self._site
        of_usable = [of_letter for of_letter in judged if of_letter.letter in self._usable]
        can_answer = words.readings.accuracy >= MIN_ACCURACY
        rate = mean_rate(of_letter.rate(spec) for of_letter in of_usable) if can_answer else None
        if not can_answer:
            self._context.log(
                f"the model names the first letter of {words.readings.accuracy:.0%} of the words; below "
                f"{MIN_ACCURACY:.0%} effects on its answer mean nothing, so there is no absorption rate. "
                "The projection metric needs no answer"
            )
        projected = [scores for of_letter in of_usable if (scores := of_letter.projection_scores()) is not None]
        at_word, at_last = (self._mean_f1(last=last) for last in (False, True))
        if at_last > MOVED_F1:
            self._context.log(
                f"{site.hook_name}: probes at the end of the prompt know the letter as well (mean F1 {at_last:.2f}, "
                f"at the word {at_word:.2f}); removing latents at the word may come too late. Study an earlier layer"
            )
        self._context.spool.add(
            "absorption_run",
            [
                {
                    "sae_id": self._saved.sae_id,
                    "probe_id": site.probe_id,
                    "words": spec.words,
                    "attribution": spec.attribution,
                    "ig_path": spec.ig_path,
                    "ig_rule": spec.ig_rule,
                    "ig_steps": spec.ig_steps,
                    "max_words": spec.max_words,
                    "tau": spec.tau,
                    "lead": spec.lead,
                    "min_cosine": spec.min_cosine,
                    "model_accuracy": words.readings.accuracy,
                    "probe_f1": at_word,
                    "probe_f1_last": at_last,
                    "rate": rate,
                    "mean_fraction": _mean([scores.mean_fraction for scores in projected]),
                    "full_rate": _mean([scores.full_rate for scores in projected]),
                    "mean_main": _mean([of_letter.probe.n_main for of_letter in of_usable]),
                    "seed": spec.seed,
                    "created": datetime.now(UTC).replace(tzinfo=None),
                }
            ],
        )
        self._context.spool.add("sae", [{"sae_id": self._saved.sae_id, "absorption_rate": rate}])

    def _mean_f1(self, *, last: bool) -> float:
        words, site = self._words, self._site
        activations = (words.readings.at_last if last else words.readings.at_word)[site.hook_name]
        probes = site.last_probes if last else site.probes
        metrics = probe_metrics(probes, activations[words.is_test], words.letters[words.is_test])
        f1 = [m.f1 for letter, m in zip(LETTERS, metrics, strict=True) if letter not in words.split.skipped_letters]
        return _mean(f1) or 0.0

    def _settings(self) -> str:
        """What decides the rows of this SAE; the same text means the same rows."""
        settings = self._spec.model_dump(mode="json", exclude={"saes", "hook_names", "batch_size", "store", "again"})
        # An SAE that was imported again under its id is another one.
        try:
            weights = (self._context.store_root / sae_path(self._saved.sae_id) / WEIGHTS).lstat()
        except OSError as error:
            raise SAEError(f"{error.filename}: {error.strerror}; copy the weights there") from error
        text = json.dumps([settings, self._site.probe_id, weights.st_size, weights.st_mtime_ns], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _on_slots(wanted: Tensor, indices: Tensor, effects: Tensor) -> Tensor:
    """Effects of latents in the order in which ``wanted`` names them; 0 for those that are not there."""
    same = wanted[:, None] == indices[None, :]
    return torch.where(same.any(1), effects[same.long().argmax(1)], 0.0)


def _leading(of_letter: JudgedWords, place: int, n: int) -> list[int]:
    """The ``n`` latents of a word with the most negative effects."""
    fires = of_letter.values[place] > FIRING
    effects = torch.where(fires, of_letter.effects[place], torch.inf)
    order = effects.argsort()[: min(n, int(fires.sum()))]
    return [int(of_letter.indices[place, slot]) for slot in order.tolist()]


def ablation_rows(found: Ablations, sae_id: str, probe_id: str, token_ids: list[int]) -> pl.DataFrame:
    """Rows of ``ablation``; ``token_ids`` names the words by their row."""
    return pl.DataFrame(
        {
            "sae_id": sae_id,
            "probe_id": probe_id,
            "token_id": [token_ids[word] for word in found.words.tolist()],
            "latent": found.latents.numpy(),
            "effect": found.effects.numpy(),
            "margin": found.margins.numpy(),
            "answer": [LETTERS[answer] for answer in found.answers.tolist()],
        }
    )
