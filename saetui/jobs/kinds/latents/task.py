"""The latents job: where each latent fires, what it writes, its neighbours, and each token's reconstruction error."""

from collections.abc import Iterator
from contextlib import ExitStack

import polars as pl
import torch

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.latents.spec import LatentsSpec
from saetui.jobs.work.saes import find_saes
from saetui.jobs.work.sources import warm_model, warm_tokens
from saetui.lm import HarvestBatch, LanguageModel, TokenizedCorpus, harvest
from saetui.lm.surfaces import token_surfaces
from saetui.sae import SAE
from saetui.sae.firings import Firings
from saetui.sae.geometry import decoder_norms, encoder_decoder_cosines, nearest_latents
from store.spool import Spool


def run(spec: LatentsSpec, context: TaskContext) -> None:
    """One harvest feeds all SAEs; then each SAE's directions are compared with the vocabulary and with one another."""
    context.plan({"load": 6, "read": 60, "directions": 20})
    model = warm_model(context, spec.model)
    saes = find_saes(context, spec.saes, model, spec.hook_name)
    corpus = warm_tokens(context, model, spec.corpus, spec.context_length, spec.max_tokens)
    firings = {sae_id: Firings(sae.d_sae, spec.histogram_bins) for sae_id, sae in saes.items()}
    with ExitStack() as stack:
        # A result of its own for each SAE: what one has is finished whole, whatever becomes of the others.
        spools = {sae_id: stack.enter_context(Spool(context.store_root, context.job_id)) for sae_id in saes}
        for batch in _read(spec, context, model, corpus):
            for sae_id, sae in saes.items():
                _spool_tokens(spec, spools[sae_id], corpus, batch, sae_id, sae, firings[sae_id])
        _directions(spec, context, model, saes, firings, spools)


def _spool_tokens(
    spec: LatentsSpec,
    spool: Spool,
    corpus: TokenizedCorpus,
    batch: HarvestBatch,
    sae_id: str,
    sae: SAE,
    firings: Firings,
) -> None:
    """The rows of one SAE on a batch of tokens, whose firings are counted."""
    x = batch.activations[spec.hook_name]
    place = {
        "context": batch.context.cpu().numpy().astype("uint32"),
        "position": batch.position.cpu().numpy().astype("uint16"),
    }
    indices, values = sae.encode_sparse(x)
    error = torch.linalg.vector_norm(x - sae.decode_sparse(indices, values), dim=1)
    fires = values > 0
    row, slot = fires.nonzero(as_tuple=True)
    latent, activation = indices[row, slot].cpu(), values[row, slot].cpu()
    firings.add(latent, activation, batch.token_id[row].cpu(), len(batch))
    where = {name: column[row.cpu().numpy()] for name, column in place.items()}
    ids = {"sae_id": sae_id, "corpus_id": corpus.corpus_id}
    if spec.store_activations:
        sparse = {"latent": latent.numpy().astype("uint32"), "activation": activation.numpy()}
        spool.add("latent_activation", pl.DataFrame({**where, **sparse}).with_columns(**_literals(ids)))
    errors = {
        **place,
        "error_norm": error.cpu().numpy(),
        "activation_norm": torch.linalg.vector_norm(x, dim=1).cpu().numpy(),
        "l0": fires.sum(1).cpu().numpy().astype("uint16"),
    }
    spool.add("token_error", pl.DataFrame(errors).with_columns(**_literals(ids)))


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
    surfaces = token_surfaces(model.tokenizer, model.vocabulary_size)
    unembedding = model.unembedding().float()
    # What a direction adds to all logits alike changes no prediction.
    unembedding = unembedding - unembedding.mean(dim=1, keepdim=True)
    total = sum(sae.d_sae for sae in saes.values())
    done = 0
    for sae_id, sae in saes.items():
        statistics = firings[sae_id].statistics(surfaces, top=spec.top_tokens)
        written: list[pl.DataFrame] = []
        for rows in torch.split(torch.arange(sae.d_sae, device=sae.device), 1024):
            logits = sae.decoder_directions()[rows] @ unembedding
            written.append(_promoted(logits, surfaces, spec.promoted_tokens))
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
        _spool_neighbours(spec, context, spools[sae_id], saes, sae_id)
        spools[sae_id].flush()


def _promoted(logits: torch.Tensor, surfaces: list[str], top: int) -> pl.DataFrame:
    """The tokens that each direction promotes and suppresses most, with what it adds to their logits a unit."""
    columns: dict[str, list[list[str]] | list[list[float]]] = {}
    for name, sign in (("promotes", 1), ("suppresses", -1)):
        best = (sign * logits).topk(min(top, logits.shape[1]), dim=1)
        columns[name] = [[surfaces[i] for i in row] for row in best.indices.tolist()]
        columns[f"{name}_logit"] = (sign * best.values).tolist()
    lists = {f"{name}_logit": pl.List(pl.Float32) for name in ("promotes", "suppresses")}
    return pl.DataFrame(columns, schema_overrides=lists)


def _spool_neighbours(spec: LatentsSpec, context: TaskContext, spool: Spool, saes: dict[str, SAE], sae_id: str) -> None:
    if spec.neighbours == 0:
        return
    for other_id, other in saes.items():
        found = nearest_latents(saes[sae_id], other, spec.neighbours)
        n, top = found.indices.shape
        spool.add(
            "latent_neighbour",
            pl.DataFrame(
                {
                    "latent": torch.arange(n).repeat_interleave(top).numpy().astype("uint32"),
                    "rank": torch.arange(1, top + 1).repeat(n).numpy().astype("uint16"),
                    "other_latent": found.indices.flatten().cpu().numpy().astype("uint32"),
                    "cosine": found.cosines.flatten().cpu().numpy(),
                }
            ).with_columns(**_literals({"sae_id": sae_id, "other_sae_id": other_id})),
        )
        context.check()


def _literals(values: dict[str, str]) -> dict[str, pl.Expr]:
    return {name: pl.lit(value) for name, value in values.items()}
