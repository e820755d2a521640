"""The latents job: where each latent fires, what it writes, its neighbours, and each token's reconstruction error."""

from collections.abc import Iterator
from contextlib import ExitStack

import polars as pl
import torch

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.latents.rows import promoted, spool_neighbours, spool_tokens
from saetui.jobs.kinds.latents.spec import LatentsSpec
from saetui.jobs.work.saes import find_saes
from saetui.jobs.work.sources import warm_tokens
from saetui.jobs.work.study_model import study_model
from saetui.lm import HarvestBatch, LanguageModel, LogitLens, ModelError, TokenizedCorpus, harvest, logit_lens
from saetui.sae import SAE
from saetui.sae.firings import Firings
from saetui.sae.geometry import decoder_norms, encoder_decoder_cosines
from store.spool import Spool


def run(spec: LatentsSpec, context: TaskContext) -> None:
    """One harvest feeds all SAEs; then each SAE's directions are compared with the vocabulary and with one another."""
    context.plan({"load": 6, "read": 60, "directions": 20})
    model = study_model(context, spec.model, spec.saes, (spec.hook_name,))
    saes = find_saes(context, spec.saes, model, spec.hook_name)
    corpus = warm_tokens(context, model, spec.corpus, spec.context_length, spec.max_tokens)
    firings = {sae_id: Firings(sae.d_sae, spec.histogram_bins) for sae_id, sae in saes.items()}
    with ExitStack() as stack:
        # A result of its own for each SAE: what one has is finished whole, whatever becomes of the others.
        spools = {sae_id: stack.enter_context(Spool(context.store_root, context.job_id)) for sae_id in saes}
        for batch in _read(spec, context, model, corpus):
            for sae_id, sae in saes.items():
                spool_tokens(spec, spools[sae_id], corpus, batch, sae_id, sae, firings[sae_id])
        _directions(spec, context, model, saes, firings, spools)


def _read(
    spec: LatentsSpec, context: TaskContext, model: LanguageModel, corpus: TokenizedCorpus
) -> Iterator[HarvestBatch]:
    done = 0
    total = corpus.n_tokens
    for batch in harvest(model, corpus, spec.hook_name, batch_size=spec.batch_size):
        yield batch
        done += len(batch)
        context.progress("read", done, total, "tokens")


def _directions(
    spec: LatentsSpec,
    context: TaskContext,
    model: LanguageModel,
    saes: dict[str, SAE],
    firings: dict[str, Firings],
    spools: dict[str, Spool],
) -> None:
    surfaces = model.token_surfaces
    lens = _lens(spec, context, model)
    total = sum(sae.d_sae for sae in saes.values())
    done = 0
    for sae_id, sae in saes.items():
        statistics = firings[sae_id].statistics(surfaces, top=spec.top_tokens)
        written: list[pl.DataFrame] = []
        for rows in torch.split(torch.arange(sae.d_sae, device=sae.device), 1024):
            logits = None if lens is None else lens(sae.decoder_directions()[rows])
            written.append(promoted(logits, surfaces, spec.promoted_tokens, len(rows)))
            done += len(rows)
            context.progress("directions", done, total, "latents")
        spools[sae_id].add(
            "latent",
            pl.concat([statistics, pl.concat(written)], how="horizontal").with_columns(
                sae_id=pl.lit(sae_id),
                decoder_norm=pl.Series(decoder_norms(sae).cpu().numpy()),
                encoder_decoder_cosine=pl.Series(encoder_decoder_cosines(sae).cpu().numpy()),
            ),
        )
        spool_neighbours(spec, context, spools[sae_id], saes, sae_id)
        spools[sae_id].flush()


def _lens(spec: LatentsSpec, context: TaskContext, model: LanguageModel) -> LogitLens | None:
    try:
        return logit_lens(model, spec.hook_name)
    except ModelError as reason:  # An encoder, or a model without a head: all else can be known of its latents.
        context.note(f"No promoted tokens: {reason}")
        return None
