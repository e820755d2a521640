"""The rows of a latents job: what fires on each token, what latents promote, and which latents are alike."""

import polars as pl
import torch

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.latents.spec import LatentsSpec
from saetui.lm import HarvestBatch, TokenizedCorpus
from saetui.sae import SAE
from saetui.sae.firings import Firings
from saetui.sae.geometry import nearest_latents
from store.spool import Spool


def spool_tokens(
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


def promoted(logits: torch.Tensor | None, surfaces: list[str], top: int, n_latents: int) -> pl.DataFrame:
    """The tokens that each direction promotes and suppresses most, with what it adds to their logits a unit.

    ``logits`` is (latent, v); None where there is no logit lens: then nothing is known of any latent.
    """
    columns: dict[str, list[list[str]] | list[list[float]] | list[None]] = {}
    schema: dict[str, pl.DataType] = {}
    for name, sign in (("promotes", 1), ("suppresses", -1)):
        schema |= {name: pl.List(pl.String()), f"{name}_logit": pl.List(pl.Float32())}
        if logits is None:
            columns |= {name: [None] * n_latents, f"{name}_logit": [None] * n_latents}
            continue
        best = (sign * logits).topk(min(top, logits.shape[1]), dim=1)
        columns[name] = [[surfaces[i] for i in row] for row in best.indices.tolist()]
        columns[f"{name}_logit"] = (sign * best.values).tolist()
    return pl.DataFrame(columns, schema=schema)


def spool_neighbours(spec: LatentsSpec, context: TaskContext, spool: Spool, saes: dict[str, SAE], sae_id: str) -> None:
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
