"""The rows of the first-letter study: probes, words, and what an SAE's latents are to the letters."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import torch

from saetui.letters import LETTERS, LetterSite, LetterWords, SAELetters, SiteStudy, SparseProbe
from store.spool import Spool


def spool_site(spool: Spool, study: SiteStudy) -> None:
    """The rows of a hook point's 26 probes, and of every word."""
    spool.add("probe", probe_rows(study))
    spool.add("word", word_rows(study.words, study.site))


def spool_letters(spool: Spool, study: SiteStudy, sae_id: str, found: SAELetters) -> None:
    """The rows of every letter's latents, and of the latents that fire on each word."""
    spool.add("letter_latent", letter_latent_rows(study.site, sae_id, found))
    spool.add("word_activation", word_activation_rows(study.words, study.site, sae_id, found))


def probe_rows(study: SiteStudy) -> pl.DataFrame:
    """Rows of ``probe``."""
    words, site = study.words, study.site
    created = datetime.now(UTC).replace(tzinfo=None)
    rows: list[dict[str, Any]] = []
    for i, (letter, metric) in enumerate(zip(LETTERS, study.metrics, strict=True)):
        own = words.letters == i
        rows.append(
            {
                "probe_id": site.probe_id,
                "model_id": words.model.model_id,
                "hook_name": site.hook_name,
                "letter": letter,
                "n_train": int((own & ~words.is_test).sum()),
                "n_test": metric.support,
                "usable": letter in study.usable,
                "precision": metric.precision,
                "recall": metric.recall,
                "f1": metric.f1,
                "auroc": metric.auroc,
                "bias": float(site.probes.bias[i] / site.probes.weight[i].norm()),
                "direction": site.probes.directions[i].tolist(),
                "seed": words.settings.seed,
                "model_accuracy": float(words.readings.correct[own].float().mean()) if bool(own.any()) else None,
                "created": created,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"direction": pl.List(pl.Float32)})


def word_rows(words: LetterWords, site: LetterSite) -> pl.DataFrame:
    """Rows of ``word``."""
    logits = site.probes.logits(words.readings.at_word[site.hook_name])
    return pl.DataFrame(
        {
            "probe_id": site.probe_id,
            "token_id": [word.token_id for word in words.words],
            "surface": [word.surface for word in words.words],
            "letter": [word.letter for word in words.words],
            "split": ["test" if test else "train" for test in words.is_test.tolist()],
            "probe_logit": logits.gather(1, words.letters[:, None])[:, 0].tolist(),
            "answer_margin": words.readings.margins.tolist(),
            "answered": words.readings.correct.tolist(),
        }
    )


def letter_latent_rows(site: LetterSite, sae_id: str, found: SAELetters) -> pl.DataFrame:
    """Rows of ``letter_latent``."""
    rows = []
    for letter, listed in found.latents.items():
        probe = found.probe(letter)
        gains = _f1_gains(probe) if probe is not None else {}
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
    return pl.DataFrame(rows, schema_overrides=overrides, infer_schema_length=None)


def word_activation_rows(words: LetterWords, site: LetterSite, sae_id: str, found: SAELetters) -> pl.DataFrame:
    """Rows of ``word_activation``."""
    latents = found.of_words.latents
    fired, slot = (latents.values > 0).nonzero(as_tuple=True)
    token_ids = torch.tensor([word.token_id for word in words.words])
    return pl.DataFrame(
        {
            "sae_id": sae_id,
            "probe_id": site.probe_id,
            "token_id": token_ids[fired].numpy(),
            "latent": latents.indices[fired, slot].numpy(),
            "activation": latents.values[fired, slot].numpy(),
        }
    )


def sparse_probe_rows(site: LetterSite, sae_id: str, found: SAELetters) -> pl.DataFrame:
    """Rows of ``sparse_probe``."""
    return pl.DataFrame(
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
            for i, probe in found.of_words.probes.items()
            for k, latent in enumerate(probe.ranked_latents, start=1)
        ]
    )


def _f1_gains(probe: SparseProbe) -> dict[int, float]:
    """What each latent adds to the F1 of those before it, over the ranks that were tried."""
    before = [0.0, *probe.f1[:-1]]
    ranked = probe.ranked_latents[: len(probe.f1)]
    return {latent: f1 - last for latent, f1, last in zip(ranked, probe.f1, before, strict=True)}
