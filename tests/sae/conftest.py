"""Small SAEs of every architecture with no special values, and a folder writer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from saetui.sae.architectures.gated import GatedSAE
from saetui.sae.architectures.jumprelu import JumpReLUSAE
from saetui.sae.architectures.standard import StandardSAE
from saetui.sae.architectures.topk import TopKSAE
from saetui.sae.base import SAE

D_IN, D_SAE, K = 12, 40, 5
ARCHITECTURES = ("standard", "gated", "jumprelu", "topk", "topk_rescaled")


def random_weights(*names: str, d_in: int = D_IN, d_sae: int = D_SAE, seed: int = 0) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"W_enc": (d_in, d_sae), "W_dec": (d_sae, d_in), "b_dec": (d_in,)}
    return {
        name: torch.randn(shapes.get(name, (d_sae,)), generator=generator) * (0.5 if name.startswith("W") else 0.2)
        for name in ("W_enc", "W_dec", "b_dec", *names)
    }


def make_sae(kind: str, **settings: Any) -> SAE:
    if kind == "standard":
        return StandardSAE(**random_weights("b_enc"), **settings)
    if kind == "gated":
        return GatedSAE(**random_weights("b_gate", "b_mag", "r_mag"), **settings)
    if kind == "jumprelu":
        weights = random_weights("b_enc", "threshold")
        weights["threshold"] = weights["threshold"].abs()
        return JumpReLUSAE(**weights, **settings)
    return TopKSAE(
        **random_weights("b_enc"), latents_kept=K, rescale_acts_by_decoder_norm=kind == "topk_rescaled", **settings
    )


@pytest.fixture(params=ARCHITECTURES)
def any_sae(request: pytest.FixtureRequest) -> SAE:
    return make_sae(request.param)


@pytest.fixture
def activations() -> Tensor:
    return torch.randn(33, D_IN, generator=torch.Generator().manual_seed(7)) + 0.3


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder from cfg fields and tensors, by default a sound standard SAE in the 6.x layout."""

    def write(cfg: dict[str, Any] | None = None, tensors: dict[str, Tensor] | None = None) -> Path:
        sound = {
            "architecture": "standard",
            "d_in": D_IN,
            "d_sae": D_SAE,
            "dtype": "float32",
            "metadata": {"sae_lens_version": "6.18.0", "hook_name": "blocks.1.hook_resid_post"},
        }
        folder = tmp_path / "an sae"
        folder.mkdir(exist_ok=True)
        (folder / "cfg.json").write_text(json.dumps(sound if cfg is None else cfg))
        weights = random_weights("b_enc") if tensors is None else tensors
        save_file({name: t.contiguous() for name, t in weights.items()}, folder / "sae_weights.safetensors")
        return folder

    return write
