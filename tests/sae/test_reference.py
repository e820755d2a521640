"""Folders that SAELens wrote give the latents and reconstructions that SAELens itself computed."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from saetui.sae import load_sae

FOLDERS = (
    "gated",
    "jumprelu",
    "standard",
    "standard_layer_norm",
    "standard_no_bdec_in",
    "topk",
    "topk_rescaled",
    "train_batchtopk",
    "train_matryoshka",
)


@pytest.mark.parametrize("name", FOLDERS)
def test_encode_and_decode_agree_with_saelens(shared: Path, name: str) -> None:
    folder = shared / "reference" / "sae_lens" / name
    sae, expected = load_sae(folder), load_file(folder / "expected.safetensors")
    x = expected["x"]
    torch.testing.assert_close(sae.encode(x), expected["latents"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(sae.decode(expected["latents"]), expected["reconstruction"], rtol=1e-5, atol=1e-5)
    indices, values = sae.encode_sparse(x)
    dense = torch.zeros_like(expected["latents"]).scatter_add_(1, indices, values)
    torch.testing.assert_close(dense, expected["latents"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(sae.decode_sparse(indices, values), expected["reconstruction"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(sae.reconstruct(x), expected["reconstruction"], rtol=1e-5, atol=1e-5)


def test_topk_sae_of_the_absorption_reference(shared: Path) -> None:
    folder = shared / "reference" / "absorption"
    sae = load_sae(folder / "sae")
    assert (sae.architecture, sae.d_in, sae.d_sae, sae.k) == ("topk", 128, 2048, 4)
    assert sae.hook_name == "blocks.1.hook_resid_post"
    tensors = load_file(folder / "tensors.safetensors")
    test_words = json.loads((folder / "expected.json").read_text())["test_index"]
    latents = sae.encode(tensors["word_activations"][test_words])
    torch.testing.assert_close(latents, tensors["sae_latents_test"], rtol=1e-5, atol=1e-4)
