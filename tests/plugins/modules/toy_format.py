"""A file format in another package: one ``.toysae`` file of tensors."""

from pathlib import Path

import torch

from saetui.sae.architectures.standard import StandardSAE


def recognise(path: Path) -> bool:
    return path.suffix == ".toysae"


def load_sae(path: Path, device: torch.device | str | None = None) -> StandardSAE:
    return StandardSAE(**torch.load(path, map_location=device or "cpu", weights_only=True))
