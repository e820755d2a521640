"""Loading of a language model through TransformerBridge, with its weights as they are."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from saetui import device_errors
from saetui.lm.checkpoint import (
    EMBEDDED,
    check_tokenizer,
    checkpoint_id,
    find_checkpoint,
    read_config,
    read_json,
    weight_files,
)
from saetui.lm.exceptions import ModelError
from saetui.lm.language_model import LanguageModel
from saetui.lm.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# The name of the model that ships with the package.
_EMBEDDED_NAME = "speller"
_TOKENIZER, _TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
# Texts on which tokenizers differ that have another rule for spaces, line ends, digits, or characters of several bytes.
_PROBES = ["a cat  and the first", "\n word has\n\nThe:", " It's 1234 ¶ 😀 Été\tx", "WORD,word"]


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
        # Before the tokenizer, whose library reads the same file and would be blamed for what is wrong with it.
        auto_config = _auto_config(folder, config)
        tokenizer = _load_tokenizer(folder)
        bridge, missing_head = _boot(folder, config, auto_config, chosen_device, _dtype(dtype, config, chosen_device))
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

    settings = _tokenizer_settings(folder)
    general = settings.get("tokenizer_class") in ("TokenizersBackend", "PreTrainedTokenizerFast")
    try:
        tokenizer: PreTrainedTokenizerBase = (PreTrainedTokenizerFast if general else AutoTokenizer).from_pretrained(
            folder, trust_remote_code=False
        )
        if not general and (folder / _TOKENIZER).is_file():
            tokenizer = _as_its_file_says(tokenizer, folder)
    except Exception as error:  # The tokenizers library raises bare Exception for a file it cannot read.
        if "auto_map" in settings:
            raise ModelError(
                f"{folder / _TOKENIZER_CONFIG}: the tokenizer needs code of its own (field auto_map), which is not "
                "run. Save it as tokenizer.json, with a tokenizer of the tokenizers library, and remove the field"
            ) from error
        raise ModelError(
            f"The tokenizer in {folder} cannot be loaded: {_first_line(error)}. "
            f"Copy tokenizer.json of the model into the folder again"
        ) from error
    return tokenizer


def _as_its_file_says(tokenizer: "PreTrainedTokenizerBase", folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer, or one that cuts text as ``tokenizer.json`` says where this one has rules or tokens of its own.

    The class that belongs to the model's family, or that the folder names, is right about special tokens, but may put
    its family's rules in place of the file's, and add tokens that the model never saw.
    """
    from transformers import PreTrainedTokenizerFast

    as_saved: Any = PreTrainedTokenizerFast(tokenizer_file=str(folder / _TOKENIZER))  # type: ignore[no-untyped-call]
    file = as_saved.backend_tokenizer
    cut = [ids.ids for ids in file.encode_batch(_PROBES, add_special_tokens=False)]
    if len(tokenizer) <= file.get_vocab_size() and tokenizer(_PROBES, add_special_tokens=False)["input_ids"] == cut:
        return tokenizer
    general: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(folder, trust_remote_code=False)
    for name, token in tokenizer.special_tokens_map.items():
        if getattr(general, name, None) is None and isinstance(token, str) and file.token_to_id(token) is not None:
            setattr(general, name, token)
    return general


def _tokenizer_settings(folder: Path) -> dict[str, Any]:
    """The folder's ``tokenizer_config.json``; empty where it has none.

    Raises ModelError, naming the file, where it cannot be read.
    """
    path = folder / _TOKENIZER_CONFIG
    try:
        settings = read_json(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. Fetch the file again") from error
    except ValueError as error:
        raise ModelError(f"{path} {error}. Fetch the file again") from error
    if not isinstance(settings, dict):
        raise ModelError(f"{path} holds no JSON object. Fetch the file again")
    return settings


class _WeightReport:
    """Stands in for a transformers auto class and keeps the report of what the checkpoint lacked."""

    def __init__(self, auto_class: Any) -> None:
        self.auto_class = auto_class
        self.missing: list[str] = []
        self.head: list[str] = []
        self.more_layers: list[str] = []
        self.not_finite: str | None = None

    def from_pretrained(self, name: str, **settings: Any) -> Any:
        from transformers.models.auto.auto_factory import _BaseAutoModelClass

        if isinstance(self.auto_class, type) and issubclass(self.auto_class, _BaseAutoModelClass):
            settings["trust_remote_code"] = False
        model, report = self.auto_class.from_pretrained(name, output_loading_info=True, **settings)
        prefix = model.base_model_prefix + "."
        self.missing = sorted(key for key in report["missing_keys"] if key.startswith(prefix))
        self.head = sorted(key for key in report["missing_keys"] if not key.startswith(prefix))
        known = set(model.state_dict())
        self.more_layers = sorted(key for key in report["unexpected_keys"] if _is_of_more_layers(key, prefix, known))
        self.not_finite = next((key for key, value in model.named_parameters() if not _is_finite(value)), None)
        return model


def _is_of_more_layers(key: str, prefix: str, known: set[str]) -> bool:
    """Whether a tensor that the model has no place for would have one with another number in its name: a layer's.

    Other tensors may be left over, such as the heads of another task.
    """
    parts = key.split(".")
    firsts = (".".join([*parts[:i], "0", *parts[i + 1 :]]) for i, part in enumerate(parts) if part.isdecimal())
    return any(first in known or prefix + first in known for first in firsts)


def _is_finite(tensor: torch.Tensor) -> bool:
    # The sum is found in one pass and without memory; it decides, unless it has itself become too large.
    if not tensor.is_floating_point() or bool(torch.isfinite(tensor.sum(dtype=torch.float32))):
        return True
    return bool(torch.isfinite(tensor).all())


def _auto_config(folder: Path, config: dict[str, Any]) -> Any:
    """The configuration as transformers reads it; ModelError, naming config.json, where it cannot."""
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    path = folder / "config.json"
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # Checks of single fields have families of their own.
        known = config["model_type"] in CONFIG_MAPPING
        if "auto_map" in config and not known:
            raise ModelError(
                f"{path}: the model needs code of its own (field auto_map), which is not run: it could do anything. "
                "Use a model of a family that transformers knows, such as gpt2, llama or qwen2; where this is one "
                "under another name, remove auto_map and set model_type to the family's name"
            ) from error
        if not known:
            raise ModelError(
                f"{path}: transformers does not know this architecture ({_architecture(config)}). Update "
                "transformers, or correct the field model_type"
            ) from error
        raise ModelError(f"{path} cannot be used: {_first_line(error)}. Correct it, or fetch it again") from error


def _architecture(config: dict[str, Any]) -> str:
    return f"model_type {config['model_type']!r}, architectures {config.get('architectures')}"


def _boot(
    folder: Path, config: dict[str, Any], auto_config: Any, device: torch.device, dtype: torch.dtype
) -> tuple[Any, list[str]]:
    path, architecture = folder / "config.json", _architecture(config)
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.model_bridge.sources.transformers import (
        determine_architecture_from_hf_config,
        get_hf_model_class_for_architecture,
    )

    try:
        name = determine_architecture_from_hf_config(auto_config)  # type: ignore[no-untyped-call]
        model_class = get_hf_model_class_for_architecture(name)
    except (ValueError, TypeError, IndexError) as error:
        raise ModelError(
            f"{path}: TransformerLens has no bridge for this architecture ({architecture}). "
            f"Use a model of a family it knows, such as gpt2, llama, gemma2, gpt_neox, qwen2 or bert"
        ) from error
    report = _WeightReport(model_class)
    try:
        bridge = TransformerBridge.boot_transformers(
            str(folder), device=device, dtype=dtype, model_class=report, trust_remote_code=False
        )
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"{folder} does not fit into the memory of {device}. Use dtype bfloat16, another device, or a smaller model"
        ) from error
    except Exception as error:  # Every model fails over a field in its own way.
        if device_errors.kind_of(error) is not None:
            raise  # The files are not to blame.
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
    if report.more_layers:
        raise ModelError(
            f"The weights in {folder} have {len(report.more_layers)} tensors of layers that config.json does not know, "
            f"the first being {report.more_layers[0]}. Correct the number of layers there, or fetch both files again"
        )
    if report.not_finite is not None:
        raise ModelError(
            f"{report.not_finite} in the weights in {folder} holds NaN or infinite values as {dtype}. Fetch the "
            "weights again, or use dtype float32 or bfloat16"
        )
    original: Any = bridge.original_model
    # Attention maps and the key-value cache of every layer would be kept for nothing.
    original.config.output_attentions = False
    original.config.use_cache = False
    _narrow_rotations(original, dtype)
    original.requires_grad_(False)
    original.eval()
    return bridge, report.head


def _narrow_rotations(original: Any, dtype: torch.dtype) -> None:
    """Have positions rotated in the model's own dtype.

    Some families, such as OLMo, give angles as float32 and rotate by a function of their own; TransformerBridge uses
    Llama's, which would leave queries and keys wider than the values.
    """

    def narrow(module: Any, given: Any, made: Any) -> Any:  # noqa: ARG001
        return tuple(each.to(dtype) for each in made) if isinstance(made, tuple) else made

    for module in original.modules():
        if type(module).__name__.endswith("RotaryEmbedding"):
            module.register_forward_hook(narrow)


def _is_post_norm(bridge: Any) -> bool:
    from transformer_lens.model_bridge.supported_architectures import (
        BertArchitectureAdapter,
        OpenAIGPTArchitectureAdapter,
        OptArchitectureAdapter,
    )

    if isinstance(bridge.adapter, OptArchitectureAdapter):
        # Of the OPT models, only the one of 350M parameters adds first.
        return not bridge.original_model.config.do_layer_norm_before
    return isinstance(bridge.adapter, BertArchitectureAdapter | OpenAIGPTArchitectureAdapter)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
