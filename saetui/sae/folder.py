"""SAE folders in the SAELens 6.x layout: ``cfg.json``, ``sae_weights.safetensors``, and our own ``workbench.json``."""

import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from saetui.sae.base import SAE
from saetui.sae.config import Config, read_config, read_json_object
from saetui.sae.errors import SAEError
from saetui.sae.gated import GatedSAE
from saetui.sae.jumprelu import JumpReLUSAE
from saetui.sae.standard import StandardSAE
from saetui.sae.topk import TopKSAE

CONFIG, WEIGHTS, WORKBENCH = "cfg.json", "sae_weights.safetensors", "workbench.json"
# Files that SAELens may put beside them.
_COMPANIONS = {CONFIG, WEIGHTS, WORKBENCH, "sparsity.safetensors", "runner_cfg.json"}
# SAELens reads a file without a version as one from before 6.0.
_LAYOUT_VERSION = "6.0.0"
_CLASSES: dict[str, type[SAE]] = {c.architecture: c for c in (StandardSAE, GatedSAE, JumpReLUSAE, TopKSAE)}
_LATENT_VECTORS = {
    "standard": ("b_enc",),
    "topk": ("b_enc",),
    "jumprelu": ("b_enc", "threshold"),
    "gated": ("b_gate", "b_mag", "r_mag"),
}


def load_sae(path: str | os.PathLike[str], device: torch.device | str | None = None) -> SAE:
    """The SAE in a SAELens folder, its weights as float32.

    Raises SAEError, naming file, field and fix, for a folder, file or tensor that is missing, cut short, not finite, or
    of a shape that ``cfg.json`` contradicts, for an unknown architecture, and for a scaling factor other than ones.
    """
    folder = Path(path)
    if not os.path.isdir(folder):
        state = "is a file" if os.path.exists(folder) else "does not exist"
        raise SAEError(f"{folder}: {state}; give a folder with {CONFIG} and {WEIGHTS}")
    config = read_config(folder / CONFIG)
    weights = _checked(folder / WEIGHTS, _read_weights(folder / WEIGHTS, device), config)
    if config.normalization == "expected_average_only_in":
        warnings.warn(
            f"{folder / CONFIG}: normalize_activations is expected_average_only_in, so it expects scaled activations;"
            " fold the scale in with saetui.sae.geometry.fold_activation_scale",
            stacklevel=2,
        )
    extra: dict[str, Any] = {}
    if config.architecture == "topk":
        extra = {"latents_kept": config.k, "rescale_acts_by_decoder_norm": config.rescale_acts_by_decoder_norm}
    return _CLASSES[config.architecture](
        **weights,
        apply_b_dec_to_input=config.apply_b_dec_to_input,
        normalization=config.normalization,
        reshape_hook_z=config.reshape_hook_z,
        metadata=config.metadata,
        workbench=read_workbench(folder),
        **extra,
    )


def read_workbench(folder: Path) -> dict[str, Any]:
    """How the SAE was made here (name, recipe, metrics); empty for one from elsewhere."""
    path = folder / WORKBENCH
    return read_json_object(path) if path.exists() else {}


def save_sae(sae: SAE, path: str | os.PathLike[str]) -> Path:
    """Write the SAE as a SAELens folder, whole or not at all; an SAE that was there is replaced.

    ``sae.workbench`` (name, recipe, metrics) goes into ``workbench.json``. Raises SAEError where the folder holds other
    things or cannot be written.
    """
    folder = Path(path).absolute()
    _refuse_foreign(folder)
    part: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        _write_json(part / CONFIG, config_fields(sae))
        _write_json(part / WORKBENCH, sae.workbench)
        save_file({name: t.detach().cpu().contiguous() for name, t in sae.weights().items()}, part / WEIGHTS)
        _sync(part / WEIGHTS)
        part.chmod(0o755)
        _put_in_place(part, folder)
    except (OSError, SafetensorError) as error:
        raise SAEError(f"{folder}: cannot be written ({error}); check free space and permissions") from error
    except TypeError as error:
        raise SAEError(f"{folder}: metadata or workbench holds what JSON cannot ({error}); use plain values") from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def config_fields(sae: SAE) -> dict[str, Any]:
    """The fields of ``cfg.json`` for an SAE."""
    fields: dict[str, Any] = {
        "architecture": sae.architecture,
        "d_in": sae.d_in,
        "d_sae": sae.d_sae,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": sae.apply_b_dec_to_input,
        "normalize_activations": sae.normalization,
        "reshape_activations": "hook_z" if sae.reshape_hook_z else "none",
        "metadata": sae.metadata | {"sae_lens_version": _version(sae.metadata)},
    }
    if isinstance(sae, TopKSAE):
        fields |= {"k": sae.k, "rescale_acts_by_decoder_norm": sae.rescale_acts_by_decoder_norm}
    return fields


def _version(metadata: dict[str, Any]) -> str:
    version = str(metadata.get("sae_lens_version") or "")
    major = version.partition(".")[0]
    return version if major.isdigit() and int(major) >= 6 else _LAYOUT_VERSION


def _read_weights(path: Path, device: torch.device | str | None) -> dict[str, Tensor]:
    if not path.is_file():
        raise SAEError(f"{path}: missing; copy the weights beside {CONFIG}")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name).to(device or "cpu", torch.float32) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise SAEError(f"{path}: cut short or not safetensors ({error}); copy it again") from error


def _checked(path: Path, tensors: dict[str, Tensor], config: Config) -> dict[str, Tensor]:
    """The tensors of the architecture, oriented by their shapes, all finite."""
    scaling = tensors.get("scaling_factor")
    if scaling is not None and not torch.allclose(scaling, torch.ones_like(scaling)):
        raise SAEError(
            f"{path}: scaling_factor is not all ones; multiply it into W_dec's rows and drop it, then load again"
        )
    d_in, d_sae = config.d_in, config.d_sae
    shapes: dict[str, tuple[int, ...]] = {"W_enc": (d_in, d_sae), "W_dec": (d_sae, d_in), "b_dec": (d_in,)}
    shapes |= dict.fromkeys(_LATENT_VECTORS[config.architecture], (d_sae,))
    checked = {}
    for name, shape in shapes.items():
        if name not in tensors:
            found = ", ".join(sorted(tensors)) or "none"
            raise SAEError(f"{path}: tensor {name} is missing for architecture {config.architecture}; it has: {found}")
        tensor = tensors[name]
        if len(shape) == 2 and d_in != d_sae and tuple(tensor.shape) == shape[::-1]:
            tensor = tensor.T
        if tuple(tensor.shape) != shape:
            raise SAEError(
                f"{path}: {name} has shape {tuple(tensor.shape)}, but {CONFIG} (d_in {d_in}, d_sae {d_sae}) asks for"
                f" {shape}; the two files are not of one SAE"
            )
        if not torch.isfinite(tensor).all():
            raise SAEError(f"{path}: {name} holds NaN or infinite values; take an earlier checkpoint or train again")
        checked[name] = tensor.contiguous()
    return checked


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SAEError(f"{folder}: is a file; give a folder for the SAE")
    names = {entry.name for entry in folder.iterdir()}
    if names and not (CONFIG in names and names <= _COMPANIONS):
        raise SAEError(f"{folder}: holds other files ({', '.join(sorted(names)[:3])}); give a new folder for the SAE")


def _put_in_place(part: Path, folder: Path) -> None:
    old = part.with_suffix(".old")
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
