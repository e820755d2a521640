"""A model's folder in the Hugging Face layout: found, checked before anything is loaded, and named by its content."""

import codecs
import hashlib
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from saetui.lm.exceptions import ModelError
from saetui.plain_data import parse_json, parse_object
from saetui.plain_files import read_file

EMBEDDED = "embedded"
_EMBEDDED_FOLDER = Path(__file__).parents[1] / "embedded"
_CONFIG = "config.json"
_INDEX = "model.safetensors.index.json"
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
# What families of models call their number of blocks.
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
_TOKENIZER_PATTERNS = ["tokenizer*", "*.model", "vocab.*", "merges.txt", "special_tokens_map.json", "added_tokens.json"]
# Files up to this size are hashed whole; of larger ones the header, the size and evenly spread samples.
_HASHED_WHOLE = 64 << 20
# The safetensors library itself reads no header longer than this.
_MAX_HEADER = 100 << 20
_SAMPLES, _SAMPLE_BYTES = 64, 64 << 10


def find_checkpoint(source: str) -> Path:
    """The folder of ``source``: the embedded model, a folder, or a hub name (downloaded where it is not cached yet).

    Raises ModelError where there is no such folder or the hub has no such model, or cannot be reached.
    """
    folder = local_checkpoint(source)
    return _download(source) if folder is None else folder


def local_checkpoint(source: str) -> Path | None:
    """The folder of ``source`` on this machine; None where it is a name on the hub.

    Raises ModelError where it can be neither.
    """
    if source == EMBEDDED:
        return _EMBEDDED_FOLDER
    try:
        folder = Path(source).expanduser()
        if folder.is_dir():
            _require_files(folder)
            return folder
        if folder.exists():
            raise ModelError(f"{source} is a file. Give the folder that holds config.json and the weights")
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no such user as ~user.
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{source[:200]} cannot be looked at: {reason}. Give the folder of a model") from error
    if source.startswith(("/", ".", "~")) or source.count("/") > 1 or "\\" in source or not source.strip():
        raise ModelError(
            f"There is no folder {source!r}. Give a model's folder, its name on the Hugging Face hub, or {EMBEDDED!r}"
        )
    return None


def check_checkpoint(folder: Path) -> dict[str, Any]:
    """The configuration of a checkpoint whose files are all there; ModelError where one is missing or damaged.

    Of the weights only headers are read.
    """
    config = read_config(folder)
    check_tokenizer(folder)
    weight_files(folder)
    return config


def layers_of(config: dict[str, Any]) -> int | None:
    """The number of blocks by a checkpoint's configuration; None where it names it in another way."""
    text = config.get("text_config")
    for part in (config, text if isinstance(text, dict) else {}):
        for name in _LAYERS:
            number = part.get(name)
            if isinstance(number, int) and number > 0:
                return number
    return None


def _require_files(folder: Path) -> None:
    """ModelError where a pipe or a device lies in a model's folder: reading it could wait forever."""
    for path in folder.iterdir():
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # A link that leads nowhere is a missing file to whoever needs it.
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ModelError(f"{path} is a pipe or a device, not a file. Take it out of the model's folder")


def _download(name: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        files = [s.rfilename for s in HfApi().model_info(name, timeout=10).siblings or []]
        weights = "model*.safetensors" if any(_is_safetensors(f) for f in files) else "pytorch_model*.bin*"
        return Path(snapshot_download(name, allow_patterns=[_CONFIG, _INDEX, weights, *_TOKENIZER_PATTERNS]))
    except GatedRepoError as error:
        raise ModelError(
            f"The model {name!r} is gated on the Hugging Face hub. Accept its licence there and set HF_TOKEN, or give "
            f"a local folder"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"The Hugging Face hub has no model {name!r}, and there is no such folder. Check the spelling "
            f"(owner/name), or set HF_TOKEN for a private model"
        ) from error
    except Exception as error:  # Each network library has its own family of errors.
        with suppress(ValueError):
            cached = try_to_load_from_cache(name, _CONFIG)
            if isinstance(cached, str):
                return Path(cached).parent
        raise ModelError(
            f"There is no folder {name!r}, and the Hugging Face hub could not be asked for a model of that name: "
            f"{error}. Check the connection, or give a local folder"
        ) from error


def _is_safetensors(file: str) -> bool:
    return file.startswith("model") and file.endswith(".safetensors") and "/" not in file


def read_config(folder: Path) -> dict[str, Any]:
    """config.json of a checkpoint, checked to name its model type."""
    path = folder / _CONFIG
    try:
        config = read_json(path)
    except FileNotFoundError:
        raise ModelError(
            f"{path} is missing. A model's folder needs config.json, weights and a tokenizer; "
            f"save_pretrained() writes them"
        ) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. Fetch the file again") from error
    except ValueError as error:
        raise ModelError(f"{path} {error}. Fetch the file again") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelError(
            f'{path} has no field model_type, which names the architecture (e.g. "gpt2"). '
            f"Fetch the file again, or add the field"
        )
    return config


def read_json(path: Path) -> Any:
    """The value in a JSON file of a checkpoint; ValueError, with a reason that completes "FILE …", where there is none.

    A byte order mark is a reason as well, since the model libraries, which read the same file, stumble over it.
    """
    content = read_file(path)
    value = parse_json(content)
    if content.startswith(codecs.BOM_UTF8):
        raise ValueError("begins with a byte order mark; remove it, e.g. with sed -i '1s/^\\xEF\\xBB\\xBF//' FILE")
    return value


def check_tokenizer(folder: Path) -> None:
    """Raises ModelError where a checkpoint has no tokenizer file at all."""
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise ModelError(
            f"{folder} has no tokenizer: none of {', '.join(_TOKENIZERS)} is there. "
            f"Copy tokenizer.json of the model into the folder"
        )


def weight_files(folder: Path) -> list[Path]:
    """The weight files of a checkpoint; ModelError where one is missing, truncated or no safetensors file."""
    whole, index = folder / "model.safetensors", folder / _INDEX
    if whole.is_file():
        paths = [whole]
    elif index.is_file():
        try:
            shards = sorted(set(read_json(index)["weight_map"].values()))
            if strange := [s for s in shards if Path(s).is_absolute() or ".." in Path(s).parts]:
                raise ValueError(f"{strange[0]!r} lies in another folder")
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise ModelError(f"{index} cannot be read (field weight_map): {error!r}. Fetch the file again") from error
        paths = [folder / shard for shard in shards]
    else:
        paths = sorted(folder.glob("pytorch_model*.bin"))
        if not paths:
            raise ModelError(
                f"{folder} has no weights: neither model.safetensors, {_INDEX} nor pytorch_model.bin is "
                f"there. Copy the model's weights into the folder"
            )
    for path in paths:
        if not path.is_file():
            raise ModelError(f"{path} is missing, but {index.name} names it. Fetch the file again")
        if path.suffix == ".safetensors":
            _check_safetensors(path)
    return paths


def _check_safetensors(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
        if size < 8 or header_size > min(size - 8, _MAX_HEADER):
            raise ModelError(
                f"{path} is truncated or no safetensors file: its {size:,} bytes end inside the header. "
                f"Fetch the file again"
            )
        try:
            header = parse_object(file.read(header_size))
            expected = (
                8 + header_size + max((v["data_offsets"][1] for k, v in header.items() if k[0] != "_"), default=0)
            )
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ModelError(f"{path} is no safetensors file (header: {error!r}). Fetch the file again") from error
    if size != expected:
        state = "truncated" if size < expected else "damaged"
        raise ModelError(
            f"{path} is {state}: it has {size:,} bytes where its header names {expected:,}. Fetch the file again"
        )


def checkpoint_id(folder: Path, weights: list[Path]) -> str:
    """A name made of the content of config, tokenizer and weights: the same for a copy in another folder."""
    digest = hashlib.sha256()
    tokenizers = [folder / name for name in _TOKENIZERS if (folder / name).is_file()]
    for path in [folder / _CONFIG, *tokenizers, *weights]:
        digest.update(f"{path.name} {path.stat().st_size} ".encode())
        for block in _sampled_blocks(path):
            digest.update(block)
    return digest.hexdigest()[:16]


def _sampled_blocks(path: Path) -> Iterator[bytes]:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _HASHED_WHOLE:
            yield file.read()
            return
        for sample in range(_SAMPLES):
            file.seek((size - _SAMPLE_BYTES) * sample // (_SAMPLES - 1))
            yield file.read(_SAMPLE_BYTES)
