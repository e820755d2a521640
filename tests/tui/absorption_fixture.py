"""Made-up rows of an absorption study: on words that a letter's latent misses, the last of their latents took over."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

MAX_WORDS = 10
_RANKED = 6
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
Row = dict[str, Any]


def absorption_rows(
    words: Sequence[str],
    letters: Sequence[Row],
    firing: Mapping[int, Sequence[tuple[int, float]]],
    missed: set[int],
    random: Random,
) -> dict[str, list[Row]]:
    """Rows of one SAE by table; ``letters`` are its rows of ``letter_latent``, ``firing`` the latents of each word."""
    run = {
        "words": "all",
        "attribution": "ig",
        "ig_path": "joint",
        "ig_rule": "left",
        "ig_steps": 6,
        "max_words": MAX_WORDS,
        "tau": 0.03,
        "lead": 1.0,
        "min_cosine": 0.025,
        "model_accuracy": 0.99,
        "probe_f1": 0.94,
        "probe_f1_last": 0.31,
        "seed": 42,
        "created": datetime(2026, 11, 20, 12, 0),
    }
    ranked = {letter: [row["latent"] for row in letters if row["letter"] == letter][:_RANKED] for letter in _LETTERS}
    rows: dict[str, list[Row]] = {
        "absorption_run": [run],
        "sparse_probe": [row for letter, latents in ranked.items() for row in _sparse_probe(letter, latents)],
        "absorption_word": [],
        "absorption_latent": [],
        "ablation": [],
    }
    draws = dict.fromkeys(_LETTERS, 0)
    for token, word in enumerate(words):
        letter = word[0]
        silent = not {latent for latent, _ in firing[token]} & set(_main(letter, ranked[letter]))
        candidates = draws[letter]
        draws[letter] += token in missed and silent
        attributed = token in missed and silent and candidates < MAX_WORDS
        _add_word(rows, token, letter, ranked[letter], firing[token], attributed, random)
        rows["absorption_word"].append(
            {
                "letter": letter,
                "token_id": token,
                "draw": token,
                "projection": round(random.uniform(2, 4), 4),
                "sparse_logits": [-1.2 if token in missed else 2.3] * _RANKED,
                "margin": round(random.gauss(9, 1), 3),
                "attributed": attributed,
            }
        )
    return rows


def _main(letter: str, ranked: Sequence[int]) -> Sequence[int]:
    return ranked[: 1 + _LETTERS.index(letter) % 2]


def _sparse_probe(letter: str, latents: Sequence[int]) -> list[Row]:
    """Every other letter has two main latents."""
    second = 0.08 if len(_main(letter, latents)) == 2 else 0.01
    f1 = [0.8, 0.8 + second, *(0.81 + second + 0.005 * k for k in range(len(latents)))]
    scores = {"precision": 0.97, "recall": 0.8, "sum_f1": 0.8}
    return [
        {"letter": letter, "k": k, "latent": latent, "f1": round(f1[k - 1], 4), **scores}
        for k, latent in enumerate(latents, start=1)
    ]


def _add_word(
    rows: dict[str, list[Row]],
    token: int,
    letter: str,
    ranked: Sequence[int],
    firing: Sequence[tuple[int, float]],
    attributed: bool,
    random: Random,
) -> None:
    absorber = firing[-1][0]
    leading = round(-random.choice([0.4, 1.3, 1.9, 2.6, 3.4]) - random.random() / 4, 4)
    aligned = random.random() < 0.8
    for latent, activation in firing:
        leads = latent == absorber
        cosine = 0.6 if latent in ranked else round(random.uniform(0.1, 0.4), 4) if leads and aligned else 0.01
        effect = leading if leads else round(random.uniform(-0.3, 0.2), 4)
        rows["absorption_latent"].append(
            {
                "letter": letter,
                "token_id": token,
                "latent": latent,
                "activation": activation,
                "cosine": cosine,
                "projection": round(activation * cosine, 4),
                "place": ranked.index(latent) + 1 if latent in ranked else None,
                "effect": effect if attributed else None,
            }
        )
    if attributed:
        other = _LETTERS[(_LETTERS.index(letter) + 7) % 26]
        left = round(9 + leading * 3, 4)
        answer = other if leading < -1.5 else letter
        rival = {
            "rival": other,
            "rival_lead": 2.5 if answer == letter else -1.5,
            "clean_rival": other,
            "clean_rival_lead": 6.0,
        }
        exact = {"effect": round(leading * 3, 4), "margin": left, "answer": answer, **rival}
        rows["ablation"].append({"token_id": token, "latent": absorber, **exact})
