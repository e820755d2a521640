"""Effects agree with those of the paper's released code on the same model, SAE and prompts."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from saetui.letters import LETTERS, latent_attribution, word_effects
from saetui.lm import LanguageModel, load_model
from saetui.sae import SAE, load_sae


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "reference" / "absorption"


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return load_model(folder / "model")


@pytest.fixture(scope="module")
def sae(folder: Path) -> SAE:
    return load_sae(folder / "sae")


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "expected.json").read_text())


@pytest.fixture(scope="module")
def cases(expected: dict[str, Any]) -> list[dict[str, Any]]:
    """Every judged word of every letter."""
    return [
        case | {"letter": letter}
        for letter in LETTERS
        for case in expected["absorption"].get(letter, {"cases": []})["cases"]
    ]


@pytest.mark.slow
def test_effects_are_those_of_the_released_code(
    model: LanguageModel, sae: SAE, expected: dict[str, Any], cases: list[dict[str, Any]]
) -> None:
    effects = latent_attribution(
        model, sae, expected["hook_name"], [case["prompt"] for case in cases], [case["letter"] for case in cases]
    )
    assert effects.shape == (len(cases), sae.d_sae)
    for row, case in zip(effects, cases, strict=True):
        scores = torch.tensor([latent["ablation_score"] for latent in case["top"]])
        ours = row[torch.tensor([latent["feature_id"] for latent in case["top"]])]
        torch.testing.assert_close(ours, scores, rtol=1e-3, atol=1e-3)
        if scores[0] != 0:  # On a few words no latent fires.
            assert int(row.argmin()) == case["top"][0]["feature_id"]


def test_activations_are_in_units_of_the_reconstruction(
    model: LanguageModel, sae: SAE, expected: dict[str, Any], cases: list[dict[str, Any]]
) -> None:
    tokens = model.tokenizer([case["prompt"] for case in cases[:12]], add_special_tokens=False)["input_ids"]
    for ids, case in zip(tokens, cases, strict=False):
        row = torch.tensor([[model.bos_token_id, *ids]])
        found = word_effects(model, sae, expected["hook_name"], row, torch.tensor([LETTERS.index(case["letter"])]))
        ours = dict(zip(found.indices[0].tolist(), found.activations[0].tolist(), strict=True))
        for latent in case["top"]:
            assert ours.get(latent["feature_id"], 0.0) == pytest.approx(latent["activation"], rel=1e-4, abs=1e-6)
