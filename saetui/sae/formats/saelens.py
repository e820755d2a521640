"""SAE folders in the SAELens 6.x layout: ``cfg.json``, ``sae_weights.safetensors``, and our own ``workbench.json``."""

import json
import math
import os
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from saetui.disk_errors import as_os_error, told
from saetui.plain_files import require_plain_file
from saetui.sae.base import SAE
from saetui.sae.config import Config, is_layout_6, read_config, read_json_object
from saetui.sae.exceptions import SAEError
from saetui.sae.placing import file_mode, placed

CONFIG, WEIGHTS, WORKBENCH = "cfg.json", "sae_weights.safetensors", "workbench.json"
# Files that SAELens may put beside them.
_COMPANIONS = {CONFIG, WEIGHTS, WORKBENCH, "sparsity.safetensors", "runner_cfg.json"}
# SAELens reads a file without a version as one from before 6.0.
_LAYOUT_VERSION = "6.0.0"


def recognise(path: Path) -> bool:
    """Whether it is a folder with a ``cfg.json``."""
    return path.is_dir() and os.path.lexists(path / CONFIG)


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
    return config.sae_class(
        **weights,
        apply_b_dec_to_input=config.apply_b_dec_to_input,
        normalization=config.normalization,
        reshape_hook_z=config.reshape_hook_z,
        metadata=config.metadata,
        workbench=read_workbench(folder),
        **config.arguments,
    )


def read_workbench(folder: Path) -> dict[str, Any]:
    """How the SAE was made here (name, recipe, metrics); empty for one from elsewhere."""
    path = folder / WORKBENCH
    return read_json_object(path) if os.path.lexists(path) else {}


def save_sae(sae: SAE, path: str | os.PathLike[str], *, over_damaged: bool = False) -> Path:
    """Write the SAE as a SAELens folder, whole or not at all; an SAE that was there is replaced.

    ``sae.workbench`` (name, recipe, metrics) goes into ``workbench.json``; numbers in it that are not finite become
    null. Raises SAEError where a weight is not finite, and where the folder holds other things or cannot be written;
    files of an SAE without a ``cfg.json`` count as other things unless ``over_damaged``.
    """
    folder = Path(path).absolute()
    if bad := sae.not_finite():
        name = sae.workbench.get("name", folder.name)
        raise SAEError(f"{folder}: {bad} of {name} holds NaN or infinite values; it is not saved: train it again")
    try:
        refuse_foreign(folder, over_damaged=over_damaged)
        with placed(folder) as part:
            _write_json(part / CONFIG, config_fields(sae))
            _write_json(part / WORKBENCH, sae.workbench)
            weights = part / WEIGHTS
            save_file({name: t.detach().cpu().contiguous() for name, t in sae.weights().items()}, weights)
            # The library makes a file that only its owner can read.
            weights.chmod(file_mode(part))
            _sync(weights)
    except (OSError, SafetensorError) as error:
        raise _unwritten(folder, error) from error
    except (TypeError, RecursionError) as error:
        raise SAEError(f"{folder}: metadata or workbench holds what JSON cannot ({error}); use plain values") from error
    return folder


def write_workbench(folder: Path, workbench: dict[str, Any]) -> None:
    """Replace the ``workbench.json`` of a saved SAE, whole or not at all; SAEError where it cannot be written."""
    path, part = folder / WORKBENCH, folder / f".{WORKBENCH}.{os.getpid()}.part"
    try:
        try:
            _write_json(part, workbench)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: Exception) -> SAEError:
    of_system = as_os_error(error)
    # The message names the path already, but under the temporary name.
    reason = told(OSError(of_system.errno, of_system.strerror)) if of_system is not None else str(error)
    return SAEError(f"{path}: cannot be written: {reason}")


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
    return fields | sae.config_fields()


def _version(metadata: dict[str, Any]) -> str:
    version = str(metadata.get("sae_lens_version") or "")
    return version if is_layout_6(version) else _LAYOUT_VERSION


def _read_weights(path: Path, device: torch.device | str | None) -> dict[str, Tensor]:
    try:
        require_plain_file(path)
    except FileNotFoundError:
        raise SAEError(f"{path}: missing; copy the weights beside {CONFIG}") from None
    except OSError as error:
        raise SAEError(f"{path}: {error.strerror}; copy the weights there") from error
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
    shapes |= dict.fromkeys(config.sae_class.latent_vectors, (d_sae,))
    checked = {}
    for name, shape in shapes.items():
        if name not in tensors:
            found = ", ".join(sorted(tensors)) or "none"
            architecture = config.sae_class.architecture
            raise SAEError(f"{path}: tensor {name} is missing for architecture {architecture}; it has: {found}")
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


def refuse_foreign(folder: Path, *, over_damaged: bool = False) -> None:
    """SAEError where a folder holds other things than an SAE, so that saving one there would destroy them."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SAEError(f"{folder}: is a file; give a folder for the SAE")
    # What a killed process has left of a file does not count.
    names = {entry.name for entry in folder.iterdir() if not (entry.name[0] == "." and entry.name.endswith(".part"))}
    if names and not ((over_damaged or CONFIG in names) and names <= _COMPANIONS):
        others = ", ".join(sorted(names)[:3])
        raise SAEError(f"{folder}: holds other files ({others}); give a new folder for the SAE")


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(_finite(value), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    _sync(path)


def _finite(value: Any) -> Any:
    """The same plain data with null for every number that JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
