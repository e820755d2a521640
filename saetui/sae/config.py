"""The ``cfg.json`` of a SAELens folder, every field checked; older flat files are brought to the 6.x form first."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from saetui.plain_data import parse_json
from saetui.plain_files import read_file
from saetui.plugins import architecture_names
from saetui.sae.architectures import architectures, find_architecture
from saetui.sae.base import SAE
from saetui.sae.config_fields import read_choice, read_count, read_flag, shown
from saetui.sae.exceptions import SAEError
from saetui.sae.normalization import Normalization

# Longer than any configuration.
_MAX_BYTES = 16 << 20
_RENAMED = {"hook_point": "hook_name", "hook_point_head_index": "hook_head_index", "activation_fn_str": "activation_fn"}
_METADATA = [
    "sae_lens_version",
    "sae_lens_training_version",
    "model_name",
    "model_class_name",
    "model_from_pretrained_kwargs",
    "hook_name",
    "hook_head_index",
    "hook_name_out",
    "hook_head_index_out",
    "prepend_bos",
    "context_size",
    "seqpos_slice",
    "dataset_path",
    "neuronpedia_id",
    "exclude_special_tokens",
]


@dataclass(frozen=True)
class Config:
    """What an SAE is, without its weights."""

    sae_class: type[SAE]
    d_in: int
    d_sae: int
    apply_b_dec_to_input: bool = True
    normalization: Normalization = "none"
    reshape_hook_z: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)
    """What its architecture takes beside that."""
    metadata: dict[str, Any] = field(default_factory=dict)


def read_config(path: Path) -> Config:
    """The configuration in a ``cfg.json``.

    Raises SAEError for a file that is missing or not JSON, an unknown architecture, and a missing or wrong field.
    """
    raw = read_json_object(path)
    fields = raw if _is_current(raw) else _from_flat(path, raw)
    architecture = fields.get("architecture")
    if architecture not in architecture_names():
        known = ", ".join(architecture_names())
        saved = [name for name, made in architectures().items() if architecture in made.training_names]
        training = f"it is a training checkpoint; save it for inference (then it is {', '.join(saved)})"
        fix = training if saved else f"known: {known}"
        raise SAEError(f"{path}: architecture {shown(architecture)} cannot be loaded; {fix}")
    normalization = read_choice(path, fields, "normalize_activations", get_args(Normalization))
    reshape = read_choice(path, fields, "reshape_activations", ("none", "hook_z"))
    metadata = fields.get("metadata")
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        raise SAEError(f"{path}: metadata must be an object, not {shown(metadata)}")
    if not isinstance(metadata.get("hook_name"), str | None):
        raise SAEError(f"{path}: metadata.hook_name must be text, not {shown(metadata['hook_name'])}")
    return Config(
        sae_class=(sae_class := find_architecture(str(architecture))),
        d_in=read_count(path, fields, "d_in"),
        d_sae=read_count(path, fields, "d_sae"),
        apply_b_dec_to_input=read_flag(path, fields, "apply_b_dec_to_input", default=True),
        normalization=cast(Normalization, normalization),
        reshape_hook_z=reshape == "hook_z",
        arguments=sae_class.config_arguments(fields, str(path)),
        metadata=metadata,
    )


def read_json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; SAEError where it cannot be read or holds something else."""
    try:
        value = parse_json(read_file(path, _MAX_BYTES))
    except FileNotFoundError:
        raise SAEError(f"{path}: missing; give a folder with cfg.json and sae_weights.safetensors") from None
    except OSError as error:
        raise SAEError(f"{path}: cannot be read ({error.strerror}); put the right file there") from error
    except ValueError as error:
        raise SAEError(f"{path}: {error}; copy it again or save the SAE again") from error
    if not isinstance(value, dict):
        raise SAEError(f"{path}: holds no JSON object; save the SAE again")
    return value


def is_layout_6(version: object) -> bool:
    """Whether a version of SAELens, as its files name it, is 6 or later."""
    major = str(version or "").partition(".")[0]
    return major.isascii() and major.isdecimal() and len(major) < 9 and int(major) >= 6


def _is_current(raw: dict[str, Any]) -> bool:
    """Whether the file was written by SAELens 6 or later: then its version is named, most often in ``metadata``."""
    metadata = raw.get("metadata")
    version = raw.get("sae_lens_version") or (metadata.get("sae_lens_version") if isinstance(metadata, dict) else None)
    return is_layout_6(version)


def _from_flat(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """The 6.x form of an older file, which kept everything on one level and named some fields differently."""
    fields = {_RENAMED.get(name, name): value for name, value in raw.items()}
    architecture = fields.get("architecture") or "standard"
    activation = fields.get("activation_fn") or "relu"
    kwargs = fields.get("activation_fn_kwargs") or {}
    if not isinstance(kwargs, dict):
        raise SAEError(f"{path}: activation_fn_kwargs must be an object, not {shown(kwargs)}")
    if activation != SAE.activation_fn:
        functions = {made.activation_fn: name for name, made in architectures().items()}
        if activation not in functions:
            known = ", ".join(sorted(functions))
            raise SAEError(f"{path}: activation_fn {shown(activation)} cannot be loaded; known: {known}")
        architecture = functions[activation]
    # What an activation function takes is a setting of its architecture.
    fields |= kwargs
    normalize = fields.get("normalize_activations")
    if isinstance(normalize, bool):
        fields["normalize_activations"] = "expected_average_only_in" if normalize else "none"
    nested = fields.get("metadata")
    metadata = {"prepend_bos": True} | {name: fields[name] for name in _METADATA if name in fields}
    if isinstance(nested, dict):
        metadata |= nested
    elif nested is not None:
        raise SAEError(f"{path}: metadata must be an object, not {shown(nested)}")
    default_shape = "hook_z" if "hook_z" in str(metadata.get("hook_name")) else "none"
    return fields | {
        "architecture": architecture,
        "reshape_activations": fields.get("reshape_activations") or default_shape,
        "metadata": metadata,
    }
