"""The rows of the absorption study: raw scores of words and latents, removals, and each run with its rates."""

from datetime import UTC, datetime

import polars as pl

from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.jobs.kinds.letters.rows import sparse_probe_rows, spool_letters
from saetui.letters import LETTERS, Ablations, JudgedWords, LetterSite, LetterWords, SAEAbsorption, SiteStudy
from saetui.letters.readings import best_rivals
from saetui.sae.base import FIRING
from store.spool import Spool


def spool_absorption(
    spool: Spool, spec: AbsorptionSpec, study: SiteStudy, sae_id: str, found: SAEAbsorption, *, probe_f1_last: float
) -> None:
    """All rows of one SAE."""
    words, site = study.words, study.site
    spool_letters(spool, study, sae_id, found.letters)
    spool.add("sparse_probe", sparse_probe_rows(site, sae_id, found.letters))
    for removed in found.ablations:
        token_ids = [words.words[row].token_id for row in removed.rows.tolist()]
        spool.add("ablation", ablation_rows(removed.found, sae_id, site.probe_id, token_ids))
    for of_letter in found.judged:
        spool.add("absorption_word", judged_word_rows(of_letter, sae_id, words, site))
        spool.add("absorption_latent", judged_latent_rows(of_letter, sae_id, words, site))
    spool.add(
        "absorption_run",
        [
            {
                "sae_id": sae_id,
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
                "model_accuracy": study.accuracy,
                "probe_f1": study.mean_f1(last=False),
                "probe_f1_last": probe_f1_last,
                "rate": found.rate,
                "mean_fraction": found.mean_fraction,
                "full_rate": found.full_rate,
                "mean_main": found.mean_main,
                "seed": spec.seed,
                "created": datetime.now(UTC).replace(tzinfo=None),
            }
        ],
    )
    spool.add("sae", [{"sae_id": sae_id, "absorption_rate": found.rate}])


def judged_word_rows(judged: JudgedWords, sae_id: str, words: LetterWords, site: LetterSite) -> pl.DataFrame:
    """Rows of ``absorption_word``."""
    chosen, readings = judged.words.tolist(), words.readings
    rivals, leads = best_rivals(readings.answer_logits[judged.words], readings.letters[judged.words])
    return pl.DataFrame(
        {
            "sae_id": sae_id,
            "probe_id": site.probe_id,
            "letter": judged.letter,
            "token_id": [words.words[row].token_id for row in chosen],
            "draw": judged.draw.tolist(),
            "projection": judged.projection.tolist(),
            "sparse_logits": judged.sparse_logits.tolist(),
            "margin": readings.margins[judged.words].tolist(),
            "rival": [LETTERS[rival] for rival in rivals.tolist()],
            "rival_lead": leads.tolist(),
            "attributed": judged.attributed.tolist(),
        },
        schema_overrides={"sparse_logits": pl.List(pl.Float32)},
    )


def judged_latent_rows(judged: JudgedWords, sae_id: str, words: LetterWords, site: LetterSite) -> pl.DataFrame:
    """Rows of ``absorption_latent``: what fires on each word."""
    row, slot = (judged.values > FIRING).nonzero(as_tuple=True)
    latents = judged.indices[row, slot]
    places = {latent: place for place, latent in enumerate(judged.probe.ranked_latents, start=1)}
    effects = judged.effects[row, slot].double()
    return pl.DataFrame(
        {
            "sae_id": sae_id,
            "probe_id": site.probe_id,
            "letter": judged.letter,
            "token_id": [words.words[word].token_id for word in judged.words[row].tolist()],
            "latent": latents.numpy(),
            "activation": judged.values[row, slot].numpy(),
            "cosine": judged.all_cosines[latents].numpy(),
            "projection": judged.projections[row, slot].numpy(),
            "place": [places.get(latent) for latent in latents.tolist()],
            "effect": [
                effect if measured else None
                for effect, measured in zip(effects.tolist(), judged.attributed[row].tolist(), strict=True)
            ],
        },
        schema_overrides={"place": pl.UInt16, "effect": pl.Float64},
    )


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
            "rival": [LETTERS[rival] for rival in found.rivals.tolist()],
            "rival_lead": found.rival_leads.numpy(),
            "clean_rival": [LETTERS[rival] for rival in found.clean_rivals.tolist()],
            "clean_rival_lead": found.clean_rival_leads.numpy(),
        }
    )
