"""Loading of a language model through TransformerBridge, with its weights as they are."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from saetui.lm.checkpoint import EMBEDDED, check_tokenizer, checkpoint_id, find_checkpoint, read_config, weight_files
from saetui.lm.errors import ModelError
from saetui.lm.language_model import LanguageModel
from saetui.lm.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# What people call the model that ships with the package.
_EMBEDDED_NAME = "speller"


def load_model(
    source: str | Path, device: str | torch.device | None = None, dtype: str | torch.dtype | None = None
) -> LanguageModel:
    """The language model of ``source``: "embedded", a folder in the Hugging Face layout, or a name on the hub.

    ``device`` defaults to CUDA where there is one, else the CPU; ``dtype`` to float32 on the CPU and to what the
    checkpoint has elsewhere. Weights are not processed (no folded norms, no centring): activations are those that
    public SAEs read. Raises ModelError, which names the file, the field and the fix.
    """
    source = str(source)
    chosen_device = _device(device)
    with quiet():
        folder = find_checkpoint(source)
        config = read_config(folder)
        check_tokenizer(folder)
        weights = weight_files(folder)
        tokenizer = _load_tokenizer(folder)
        bridge, missing_head = _boot(folder, config, chosen_device, _dtype(dtype, config, chosen_device))
    return LanguageModel(
        bridge,
        tokenizer,
        name=_EMBEDDED_NAME if source == EMBEDDED else Path(source).expanduser().resolve().name,
        source=source,
        model_id=checkpoint_id(folder, weights),
        post_norm=_is_post_norm(bridge),
        missing_head=missing_head,
    )


def _device(device: str | torch.device | None) -> torch.device:
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"The device {str(device)!r} cannot be used: {reason}. Use cpu, cuda or cuda:N") from error
    return chosen


def _dtype(dtype: str | torch.dtype | None, config: dict[str, Any], device: torch.device) -> torch.dtype:
    if dtype is None:
        own = config.get("dtype", config.get("torch_dtype"))
        dtype = "float32" if device.type == "cpu" or not isinstance(own, str) else own
    chosen = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(chosen, torch.dtype) or not chosen.is_floating_point:
        raise ModelError(f"The dtype {dtype!r} cannot be used. Use float32, bfloat16, float16 or float64")
    return chosen


def _load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    # AutoTokenizer goes by the model's family, and would cut text by its rules where the folder has rules of its own.
    general = _tokenizer_class(folder) in ("TokenizersBackend", "PreTrainedTokenizerFast")
    try:
        tokenizer: PreTrainedTokenizerBase = (PreTrainedTokenizerFast if general else AutoTokenizer).from_pretrained(
            folder
        )
    except Exception as error:  # The tokenizers library raises bare Exception for a file it cannot read.
        raise ModelError(
            f"The tokenizer in {folder} cannot be loaded: {_first_line(error)}. "
            f"Copy tokenizer.json of the model into the folder again"
        ) from error
    return tokenizer


def _tokenizer_class(folder: Path) -> str | None:
    """The class that the folder's ``tokenizer_config.json`` names; None where it names none or cannot be read."""
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    name = settings.get("tokenizer_class") if isinstance(settings, dict) else None
    return name if isinstance(name, str) else None


class _WeightReport:
    """Stands in for a transformers auto class and keeps the report of what the checkpoint lacked."""

    def __init__(self, auto_class: Any) -> None:
        self.auto_class = auto_class
        self.missing: list[str] = []
        self.head: list[str] = []

    def from_pretrained(self, name: str, **settings: Any) -> Any:
        model, report = self.auto_class.from_pretrained(name, output_loading_info=True, **settings)
        prefix = model.base_model_prefix + "."
        self.missing = sorted(key for key in report["missing_keys"] if key.startswith(prefix))
        self.head = sorted(key for key in report["missing_keys"] if not key.startswith(prefix))
        return model


def _boot(folder: Path, config: dict[str, Any], device: torch.device, dtype: torch.dtype) -> tuple[Any, list[str]]:
    from transformers import AutoConfig

    path = folder / "config.json"
    architecture = f"model_type {config['model_type']!r}, architectures {config.get('architectures')}"
    try:
        auto_config = AutoConfig.from_pretrained(folder)
    except ValueError as error:
        raise ModelError(
            f"{path}: transformers does not know this architecture ({architecture}). Update transformers, "
            f"or correct the field model_type"
        ) from error
    except (OSError, TypeError, KeyError) as error:
        raise ModelError(f"{path} cannot be used: {_first_line(error)}. Fetch the file again") from error

    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.model_bridge.sources.transformers import (
        determine_architecture_from_hf_config,
        get_hf_model_class_for_architecture,
    )

    try:
        name = determine_architecture_from_hf_config(auto_config)  # type: ignore[no-untyped-call]
        model_class = get_hf_model_class_for_architecture(name)
    except ValueError as error:
        raise ModelError(
            f"{path}: TransformerLens has no bridge for this architecture ({architecture}). "
            f"Use a model of a family it knows, such as gpt2, llama, gemma2, gpt_neox, qwen2 or bert"
        ) from error
    report = _WeightReport(model_class)
    try:
        bridge = TransformerBridge.boot_transformers(str(folder), device=device, dtype=dtype, model_class=report)
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"{folder} does not fit into the memory of {device}. Use dtype bfloat16, another device, or a smaller model"
        ) from error
    except (RuntimeError, ValueError, OSError, KeyError, TypeError) as error:
        raise ModelError(
            f"The weights in {folder} do not fit its config.json ({architecture}): {_first_line(error)}. "
            f"Fetch both files again from one place"
        ) from error
    if "blocks.0.hook_resid_post" not in bridge.hook_dict:
        raise ModelError(
            f"{path}: this architecture ({architecture}) has no single stack of blocks to read activations from. "
            f"Use a decoder such as gpt2, llama, gemma2, gpt_neox or qwen2, or an encoder such as bert"
        )
    if report.missing:
        raise ModelError(
            f"The weights in {folder} lack {len(report.missing)} tensors that config.json asks for, the "
            f"first being {report.missing[0]}. Fetch both files again from one place"
        )
    original: Any = bridge.original_model
    # Attention maps and the key-value cache of every layer would be kept for nothing.
    original.config.output_attentions = False
    original.config.use_cache = False
    original.requires_grad_(False)
    original.eval()
    return bridge, report.head


def _is_post_norm(bridge: Any) -> bool:
    from transformer_lens.model_bridge.supported_architectures import BertArchitectureAdapter

    return isinstance(bridge.adapter, BertArchitectureAdapter)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
