"""An empty store, and a small study with known answers, spooled as jobs do it.

One model, one token set of three contexts, two SAEs, probes for two letters. Token i of the vocabulary is SURFACES[i];
context c reads 0 1 2 3 4 5 turned left by c, at positions 1 to 6. In SAE "narrow", latent 7 fires on " short" with
c + 1 and on " self" with half of that, latent 2 on " cat" with a quarter.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from store import Spool, Store
from store.manifest import Manifest, Part
from tests.made_stores import copy_of

NOW = datetime(2026, 1, 2, 3, 4, 5)
SURFACES = [" short", " self", " the", " cat", " set", "\n"]


@pytest.fixture
def store(made_empty: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(copy_of(made_empty, tmp_path / "study")) as store:
        yield store


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with the made-up study; not to be changed."""
    with Store.open(tmp_path_factory.mktemp("study"), create=True) as store:
        with Spool(store.root, "job-1") as spool:
            add_study(spool)
        store.commit_spool()
        yield store


def add_study(spool: Spool) -> None:
    spool.add("model", [model()])
    spool.add("corpus", [corpus()])
    spool.add("sae", [sae("narrow", 8), sae("wide", 16)])
    letters = ["s", "s", "t", "c", "s", None]
    spool.add(
        "vocabulary",
        [
            {"model_id": "m", "token_id": i, "surface": surface, "letter": letters[i], "frequency": 10 * i}
            for i, surface in enumerate(SURFACES)
        ],
    )
    tokens = [(c, p, (p - 1 + c) % 6) for c in range(3) for p in range(1, 7)]
    spool.add(
        "token",
        [{"corpus_id": "c", "context": c, "position": p, "token_id": token} for c, p, token in tokens],
    )
    strengths = {0: {7: 1.0}, 1: {7: 0.5}, 3: {2: 0.25}}
    spool.add(
        "latent_activation",
        [
            {**at("narrow", c, p), "latent": number, "activation": (c + 1) * strength}
            for c, p, token in tokens
            for number, strength in strengths.get(token, {}).items()
        ],
    )
    spool.add(
        "token_error",
        [
            {**at("narrow", c, p), "error_norm": float(token), "activation_norm": 10.0, "l0": 1}
            for c, p, token in tokens
        ],
    )
    for name, width in (("narrow", 8), ("wide", 16)):
        spool.add("latent", pl.DataFrame([latent(name, i) for i in range(width)]))
    spool.add(
        "latent_neighbour",
        [
            neighbour("narrow", 7, "narrow", 1, 2, 0.5),
            neighbour("narrow", 7, "wide", 1, 11, 0.9),
            neighbour("narrow", 7, "wide", 2, 3, 0.4),
        ],
    )
    spool.add("probe", [probe("s", 0.98), probe("c", 0.75)])
    spool.add("word", [word(0, "s", 4.0), word(1, "s", 3.0), word(4, "s", 2.0), word(2, "t", -1.0), word(3, "c", 1.0)])
    fires = [(7, 0, 3.5), (7, 1, 2.5), (7, 3, 0.5), (2, 3, 1.5)]
    spool.add(
        "word_activation",
        [
            {"sae_id": "narrow", "probe_id": "p", "token_id": token, "latent": latent, "activation": activation}
            for latent, token, activation in fires
        ],
    )
    spool.add(
        "letter_latent",
        [
            letter_latent("s", 1, 7, f1=0.8, main=True),
            letter_latent("s", 2, 3, f1=0.3, main=False),
            letter_latent("c", 1, 2, f1=1.0, main=True),
        ],
    )


def model() -> dict[str, object]:
    return {
        "model_id": "m",
        "name": "speller",
        "source": "embedded",
        "family": "qwen2",
        "n_layers": 4,
        "d_model": 128,
        "context_length": 7,
        "vocabulary_size": 6,
        "added": NOW,
    }


def corpus() -> dict[str, object]:
    return {
        "corpus_id": "c",
        "model_id": "m",
        "name": "stdlib",
        "source": "stdlib",
        "context_length": 7,
        "n_contexts": 3,
        "n_tokens": 18,
        "token_hash": "h",
        "added": NOW,
    }


def sae(name: str, width: int) -> dict[str, object]:
    return {
        "sae_id": name,
        "model_id": "m",
        "hook_name": "blocks.1.hook_resid_post",
        "name": f"{name}-k4",
        "architecture": "topk",
        "d_in": 128,
        "width": width,
        "k": 4.0,
        "fvu": 1 / width,
        "corpus_id": "c",
        "source": "trained here",
        "path": f"tensors/sae/{name}",
        "added": NOW,
    }


def at(sae_id: str, context: int, position: int) -> dict[str, object]:
    return {"sae_id": sae_id, "corpus_id": "c", "context": context, "position": position}


def latent(sae_id: str, number: int) -> dict[str, object]:
    return {
        "sae_id": sae_id,
        "latent": number,
        "n_fires": number,
        "density": number / 100,
        "max_activation": float(number),
        "decoder_norm": 1.0,
        "histogram": [1, number],
        "promotes": [f" P{number}", " q"],
        "promotes_logit": [2.0, 1.0],
        "top_tokens": [f" top{number}", " x"],
        "top_token_share": [0.75, 0.25],
    }


def neighbour(sae_id: str, number: int, other: str, rank: int, other_latent: int, cosine: float) -> dict[str, object]:
    return {
        "sae_id": sae_id,
        "latent": number,
        "other_sae_id": other,
        "rank": rank,
        "other_latent": other_latent,
        "cosine": cosine,
    }


def probe(letter: str, f1: float) -> dict[str, object]:
    return {
        "probe_id": "p",
        "model_id": "m",
        "hook_name": "blocks.1.hook_resid_post",
        "letter": letter,
        "n_train": 2,
        "n_test": 1,
        "usable": True,
        "f1": f1,
        "bias": 0.0,
        "direction": [1.0, 0.0],
        "seed": 0,
        "model_accuracy": 1.0,
    }


def word(token_id: int, letter: str, logit: float) -> dict[str, object]:
    return {
        "probe_id": "p",
        "token_id": token_id,
        "surface": SURFACES[token_id],
        "letter": letter,
        "split": "train",
        "probe_logit": logit,
    }


def letter_latent(letter: str, rank: int, number: int, *, f1: float, main: bool) -> dict[str, object]:
    return {
        "sae_id": "narrow",
        "probe_id": "p",
        "letter": letter,
        "rank": rank,
        "latent": number,
        "precision": 0.9,
        "recall": 0.7,
        "f1": f1,
        "cos_encoder": 0.5,
        "cos_decoder": 0.6,
        "by_encoder": rank == 1,
        "is_main": main,
    }


def rewritten(folder: Path, frame: pl.DataFrame | None = None, **changes: object) -> None:
    """Give a waiting result other rows in its first part, or other fields of the part, as a stranger would: sealed."""
    content = json.loads((folder / "manifest.json").read_text())
    parts = [Part(**{**part, "columns": tuple(part["columns"])}) for part in content["parts"]]
    if frame is not None:
        frame.write_parquet(folder / parts[0].file)
        checksum = hashlib.sha256((folder / parts[0].file).read_bytes()).hexdigest()
        changes = {"n_rows": frame.height, "columns": tuple(frame.columns), "sha256": checksum, **changes}
    parts[0] = replace(parts[0], **changes)  # type: ignore[arg-type]
    manifest = Manifest(content["name"], content["job_id"], content["attempt"], tuple(parts))
    (folder / "manifest.json").write_text(manifest.dumps())


def mark(key: str) -> dict[str, object]:
    return {"subject": "latent", "key": key, "created": NOW}
