"""The linear part of an SAE's error, from the map that an error study has saved, and that of a pursuit's error."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from torch import Tensor

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.work.tensor_files import StoredTensors
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.pursuit.change_map import ChangeSample, fit_change_map
from saetui.pursuit.encoders import Encoders
from saetui.regression.statistics import LinearMap
from store.plain import check_plain, is_plain_file

SAVED = Path("tensors", "errors")
FITTED = Path("tensors", "pursuit")


@dataclass(frozen=True)
class SavedMap:
    """The linear part of one SAE's error, as an error study found it."""

    study_id: str
    map: LinearMap
    activation_mean: Float[Tensor, " d"]
    held_out: Int[Tensor, " m"] | None
    """Contexts that it has not seen; None where they are not known, or are of other tokens."""


def saved_map(
    store_root: Path, sae_id: str, hook_name: str, corpus_id: str, study: str | None, device: torch.device
) -> SavedMap | None:
    """The SAE's map of a study, or else of the newest; None where no study has looked at this SAE there.

    Raises:
        JobError: the study that is named has no map of this SAE at this hook point.
    """
    folder = store_root / SAVED
    check_plain(store_root, folder)
    paths = [folder / f"{study}.safetensors"] if study else _by_age(folder)
    for path in filter(is_plain_file, paths):
        try:
            found = _read(path, sae_id, hook_name, corpus_id, device)
        except (OSError, SafetensorError, ValueError) as error:
            if study:
                raise JobError(f"study: {path} is damaged ({error}); study the errors again") from error
            continue
        if found is not None:
            return found
    if study:
        raise JobError(f"study: {study!r} has no linear map of {sae_id} at {hook_name} in {folder}; leave it out")
    return None


def _by_age(folder: Path) -> list[Path]:
    """The maps of all studies, newest first; hidden files are no maps."""
    found = [path for path in folder.glob("*.safetensors") if not path.name.startswith(".")]
    return sorted(found, key=lambda path: -path.lstat().st_mtime)


def _read(path: Path, sae_id: str, hook_name: str, corpus_id: str, device: torch.device) -> SavedMap | None:
    with safe_open(path, framework="pt", device=str(device)) as file:
        names, about = set(file.keys()), file.metadata() or {}
        if f"{sae_id}.weight" not in names or about.get("hook_name", hook_name) != hook_name:
            return None
        width = file.get_slice("activation_mean").get_shape()[0]
        shapes = {f"{sae_id}.weight": [width, width], f"{sae_id}.intercept": [width]}
        if wrong := [name for name, shape in shapes.items() if file.get_slice(name).get_shape() != shape]:
            raise ValueError(f"{wrong[0]} has another shape than {shapes[wrong[0]]}")
        same_tokens = about.get("corpus_id") == corpus_id and "held_out_contexts" in names
        return SavedMap(
            path.stem,
            LinearMap(file.get_tensor(f"{sae_id}.weight"), file.get_tensor(f"{sae_id}.intercept")),
            file.get_tensor("activation_mean"),
            file.get_tensor("held_out_contexts").cpu() if same_tokens else None,
        )


def change_map(
    spec: PursuitSpec,
    context: TaskContext,
    model: LanguageModel,
    corpus: TokenizedCorpus,
    encoders: Encoders,
    saved: SavedMap,
    sae_id: str,
) -> LinearMap | None:
    """What pursuit changes of the reconstructions, linearly; a map that was fitted before is read from the store.

    None where there are too few tokens for one.
    """
    sample = ChangeSample.of(
        corpus, len(saved.activation_mean), held_out=saved.held_out, n=spec.fit_tokens, seed=spec.seed
    )
    if not sample.is_enough:
        if spec.fit_tokens != 0:
            context.log(f"{sample.n:,} tokens are too few to split the pursuit's errors; {sample.least:,} would do")
        return None
    settings = [sae_id, spec.hook_name, spec.method, spec.l0, corpus.corpus_id, saved.study_id, sample.n, spec.seed]
    key = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    width = len(saved.activation_mean)
    kept = StoredTensors(context, FITTED)
    tensors = kept.load(key, {"weight": (width, width), "intercept": (width,)})
    if tensors is not None:
        return LinearMap(*(tensors[name].to(model.device) for name in ("weight", "intercept")))
    found = fit_change_map(
        model,
        corpus,
        spec.hook_name,
        encoders,
        sample,
        method=spec.method,
        l0=spec.l0,
        progress=lambda done, total: context.progress("fit", done, total, "tokens"),
        check=context.check,
    )
    kept.save(key, {"weight": found.weight, "intercept": found.intercept})
    return found
