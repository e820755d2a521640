"""The linear part of an SAE's error, from the map that an error study has saved, and that of a pursuit's error."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from torch import Tensor

from saetui.dark_matter.statistics import LinearMap, Predictors, Targets
from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.work.tensor_files import load_tensors, save_tensors
from saetui.lm import LanguageModel, TokenizedCorpus, harvest
from saetui.pursuit.encoders import Encoders
from store.plain import check_plain, is_plain_file

SAVED = Path("tensors", "errors")
FITTED = Path("tensors", "pursuit")
# Tokens for each dimension of the activations: as many as are wanted, unless that is more than _ENOUGH in all; how many
# are wanted then; and how many it takes for any fit.
_MANY, _FEW, _LEAST = 100, 20, 3
_ENOUGH = 20_000


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


class ChangeMap:
    """What pursuit changes of an SAE's reconstructions, predicted linearly from the activation.

    A pursuit's error is the SAE's own less this change, and so are their linear parts: what is fitted anew, on the few
    tokens for which there is time, is the difference alone. A map fitted before is read from the store's folder.
    """

    def __init__(
        self,
        spec: PursuitSpec,
        context: TaskContext,
        model: LanguageModel,
        corpus: TokenizedCorpus,
        encoders: Encoders,
        saved: SavedMap,
    ) -> None:
        self._spec, self._context, self._model, self._corpus = spec, context, model, corpus
        self._encoders, self._saved = encoders, saved
        width = model.site(spec.hook_name).width
        order = torch.randperm(corpus.n_contexts, generator=torch.Generator().manual_seed(spec.seed))
        self._contexts = order if saved.held_out is None else order[~torch.isin(order, saved.held_out)]
        wanted = max(_FEW * width, min(_MANY * width, _ENOUGH)) if spec.fit_tokens is None else spec.fit_tokens
        self._n = min(wanted, int(corpus.mask[self._contexts].sum()))
        self._least = _LEAST * width

    def get(self, sae_id: str) -> LinearMap | None:
        """The map; None where there are too few tokens for one."""
        if self._n < self._least:
            if self._spec.fit_tokens != 0:
                self._context.log(
                    f"{self._n:,} tokens are too few to part the pursuit's errors; {self._least:,} would do"
                )
            return None
        path = self._context.store_root / FITTED / f"{self._key(sae_id)}.safetensors"
        width = len(self._saved.activation_mean)
        tensors = load_tensors(self._context.store_root, path, {"weight": (width, width), "intercept": (width,)})
        if tensors is not None:
            return LinearMap(*(tensors[name].to(self._model.device) for name in ("weight", "intercept")))
        found = self._fit()
        save_tensors(self._context, path, {"weight": found.weight, "intercept": found.intercept})
        return found

    def _fit(self) -> LinearMap:
        spec, context, encoders = self._spec, self._context, self._encoders
        predictors = Predictors()
        changes = Targets(predictors)
        for batch in harvest(self._model, self._corpus, spec.hook_name, contexts=self._contexts):
            x = batch.activations[spec.hook_name][: self._n - predictors.n]
            x = x[torch.isfinite(x).all(1)]
            own = encoders.own(x)
            l0 = own.l0 if spec.l0 is None else spec.l0
            pursued, _ = encoders.pursue(x, l0, spec.method, progress=lambda *_: context.check())
            shifted = predictors.shifted(x)
            changes.add(shifted, (pursued.reconstruction - own.reconstruction).double())
            predictors.add(shifted)
            context.progress("fit", predictors.n, self._n, "tokens")
            if predictors.n >= self._n:
                break
        try:
            return changes.solve()
        except ValueError as error:
            raise JobError(f"fit_tokens: the linear part of what pursuit changes cannot be fitted: {error}") from error

    def _key(self, sae_id: str) -> str:
        spec = self._spec
        tokens = (self._corpus.corpus_id, self._saved.study_id, self._n, spec.seed)
        settings = [sae_id, spec.hook_name, spec.method, spec.l0, *tokens]
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
