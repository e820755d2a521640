"""Folders that SAELens wrote give the latents and reconstructions that SAELens itself computed."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from saetui.sae import load_sae
from saetui.sae.architectures.topk import TopKSAE
from tests.reference import reference_folders


@pytest.mark.parametrize("name", reference_folders("sae_lens"))
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
    cfg = json.loads((folder / "sae" / "cfg.json").read_text())
    assert isinstance(sae, TopKSAE)
    assert (sae.architecture, sae.d_in, sae.d_sae, sae.k) == ("topk", cfg["d_in"], cfg["d_sae"], cfg["k"])
    expected = json.loads((folder / "expected.json").read_text())
    assert sae.hook_name == expected["hook_name"]
    tensors, test_words = load_file(folder / "tensors.safetensors"), expected["test_index"]
    latents = sae.encode(tensors["word_activations"][test_words])
    torch.testing.assert_close(latents, tensors["sae_latents_test"], rtol=1e-5, atol=1e-4)
