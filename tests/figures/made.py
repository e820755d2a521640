"""A small absorption study with known numbers, spooled as jobs do it.

Four SAEs of one model: "narrow", "wide" and "dense" on layer 1, "later" on layer 2, each with latents 0 and 1 for the
letters a and b. Letter a has four judged words, b two. In "narrow" latent 0 is silent on " ant", and latent 7, aligned
with the probe, leads there by two logits: one word of four is absorbed. In "wide" the same happens on " ant", " axe"
and " arm"; in "dense" and "later" nothing is absorbed. On letter b no latent is ever silent.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from saetui.recipes import TrainedBy
from store import Spool, Store
from tests.saved_saes import save_folders

NOW = datetime(2026, 1, 2, 3, 4, 5)
WORDS = {"a": (" ant", " axe", " arm", " ape"), "b": (" bat", " bee")}
SAES: dict[str, dict[str, Any]] = {
    "narrow": {"width": 16, "k": 2.0, "l0": 2.0, "fvu": 0.3, "layer": 1, "absorbed": 1},
    "wide": {"width": 64, "k": 2.0, "l0": 1.9, "fvu": 0.2, "layer": 1, "absorbed": 3},
    "dense": {"width": 16, "k": 4.0, "l0": 4.0, "fvu": 0.25, "layer": 1, "absorbed": 0},
    "later": {"width": 16, "k": 2.0, "l0": 2.1, "fvu": 0.35, "layer": 2, "absorbed": 0},
}
# F1 of the first k latents of a letter: in "wide" letter a takes two latents, everywhere else one.
STEPS = {"one": (0.8, 0.81), "two": (0.6, 0.75, 0.76)}
MAIN, ABSORBER = {"a": 0, "b": 1}, 7

# That of all SAEs.
RECIPE = TrainedBy("topk", "stdlib", 2_000_000, 2048, 128, None, "float32", 1e-3, 4, 8000, (), 0).text


def make_store(path: Path, *more: Callable[[Spool], None]) -> Path:
    """The store in a new folder, with whatever ``more`` spools."""
    with Store.open(path, create=True) as store:
        with Spool(store.root, "made") as spool:
            _add_sites(spool)
            for name, sae in SAES.items():
                _add_sae(spool, name, **sae)
            for add in more:
                add(spool)
        report = store.commit_spool()
        assert not report.rejected, report.rejected
    return save_folders(path)


def hook(layer: int) -> str:
    return f"blocks.{layer}.hook_resid_post"


def token_id(word: str) -> int:
    return [word for words in WORDS.values() for word in words].index(word)


def _add_sites(spool: Spool) -> None:
    spool.add(
        "model",
        [
            {
                "model_id": "m",
                "name": "speller",
                "source": "embedded",
                "family": "qwen2",
                "n_layers": 4,
                "d_model": 8,
                "context_length": 16,
                "vocabulary_size": 6,
                "added": NOW,
            }
        ],
    )
    for layer in (1, 2):
        scores = {"precision": 0.9, "recall": 1.0, "f1": 0.95}
        for letter, words in WORDS.items():
            spool.add(
                "probe",
                [
                    {
                        "probe_id": f"p{layer}",
                        "model_id": "m",
                        "hook_name": hook(layer),
                        "letter": letter,
                        "n_train": 10,
                        "n_test": len(words),
                        "usable": True,
                        "bias": 0.0,
                        "direction": [1.0, 0.0],
                        "seed": 0,
                        **scores,
                    }
                ],
            )
            spool.add(
                "word",
                [
                    {
                        "probe_id": f"p{layer}",
                        "token_id": token_id(word),
                        "surface": word,
                        "letter": letter,
                        "split": "test",
                        "probe_logit": 3.0,
                        "answer_margin": 5.0,
                        "answered": True,
                    }
                    for word in words
                ],
            )


def _add_sae(
    spool: Spool, name: str, *, width: int, k: float, l0: float, fvu: float, layer: int, absorbed: int
) -> None:
    keys = {"sae_id": f"id-{name}", "probe_id": f"p{layer}"}
    spool.add(
        "sae",
        [
            {
                "sae_id": keys["sae_id"],
                "model_id": "m",
                "hook_name": hook(layer),
                "name": name,
                "architecture": "topk",
                "d_in": 8,
                "width": width,
                "k": k,
                "recipe": RECIPE,
                "l0": l0,
                "fvu": fvu,
                "absorption_rate": absorbed / 8,
                "source": "trained here",
                "path": name,
                "added": NOW,
            }
        ],
    )
    spool.add(
        "absorption_run",
        [
            {
                **keys,
                "words": "test",
                "attribution": "ig",
                "ig_path": "joint",
                "ig_rule": "left",
                "ig_steps": 6,
                "max_words": 200,
                "tau": 0.03,
                "lead": 1.0,
                "min_cosine": 0.025,
                "model_accuracy": 1.0,
                "rate": absorbed / 8,
                "seed": 0,
                "created": NOW,
            }
        ],
    )
    for letter, words in WORDS.items():
        steps = STEPS["two" if name == "wide" and letter == "a" else "one"]
        latents = [MAIN[letter], 5, 6][: len(steps)]
        spool.add(
            "sparse_probe",
            [
                {
                    **keys,
                    "letter": letter,
                    "k": place,
                    "latent": latent,
                    "precision": 0.9,
                    "recall": 0.7,
                    "f1": f1,
                    "sum_f1": f1,
                }
                for place, (latent, f1) in enumerate(zip(latents, steps, strict=True), start=1)
            ],
        )
        share = 1 - (absorbed / len(words) if letter == "a" else 0)
        spool.add(
            "letter_latent",
            [
                {
                    **keys,
                    "letter": letter,
                    "rank": rank,
                    "latent": rank,
                    "precision": 1.0,
                    "recall": share / rank,
                    "f1": 2 * (share / rank) / (1 + share / rank),
                    "cos_encoder": 0.5,
                    "cos_decoder": 0.5,
                    "by_encoder": rank == 1,
                }
                for rank in (1, 2)
            ],
        )
        for draw, word in enumerate(words):
            is_absorbed = letter == "a" and draw < absorbed
            _add_word(spool, keys, letter, word, draw, is_absorbed)


def _add_word(spool: Spool, keys: dict[str, str], letter: str, word: str, draw: int, is_absorbed: bool) -> None:
    own = {**keys, "letter": letter, "token_id": token_id(word)}
    logit = -1.0 if is_absorbed else 2.0
    spool.add(
        "absorption_word",
        [
            {
                **own,
                "draw": draw,
                "projection": 1.0,
                "sparse_logits": [logit] * 3,
                "margin": 5.0,
                "attributed": is_absorbed,
            }
        ],
    )
    fired: list[dict[str, Any]]
    if is_absorbed:
        fired = [
            {"latent": ABSORBER, "activation": 2.0, "cosine": 0.4, "projection": 0.8, "effect": -3.0 - draw},
            {"latent": 9, "activation": 1.0, "cosine": 0.01, "projection": 0.01, "effect": -1.0},
            {"latent": 8, "activation": 1.0, "cosine": 0.0, "projection": 0.0, "effect": 0.5},
        ]
        spool.add(
            "ablation",
            [
                {
                    "sae_id": keys["sae_id"],
                    "probe_id": keys["probe_id"],
                    "token_id": own["token_id"],
                    "latent": ABSORBER,
                    "effect": -2.5 - draw,
                    "margin": 2.5,
                    "answer": "b",
                }
            ],
        )
    else:
        fired = [{"latent": MAIN[letter], "activation": 2.0, "cosine": 0.5, "projection": 1.0, "effect": None}]
    spool.add(
        "absorption_latent", [{**own, "place": 1 if row["latent"] == MAIN[letter] else None, **row} for row in fired]
    )
