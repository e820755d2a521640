"""The SAEs that a job works on, found in the store's folder by name, and kept warm between the jobs of a worker."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from saetui.jobs.context import TaskContext
from saetui.jobs.errors import JobError
from saetui.lm import LanguageModel
from saetui.sae import SAE, load_sae
from saetui.sae.config import read_config
from saetui.sae.folder import CONFIG, read_workbench

SAE_FOLDER = Path("tensors", "sae")
ALL = "*"


@dataclass(frozen=True)
class SavedSAE:
    """An SAE whose folder is in the store, and where its files say that it belongs."""

    sae_id: str
    name: str
    hook_name: str | None
    model_id: str | None

    def fits(self, model: LanguageModel) -> bool:
        """Whether nothing speaks against its being of this model."""
        return self.model_id in (None, model.model_id)


def sae_path(sae_id: str) -> Path:
    """An SAE's folder, relative to the store."""
    return SAE_FOLDER / sae_id


def saved_saes(store_root: Path) -> list[SavedSAE]:
    """The SAEs whose folders are in the store, by id."""
    found = []
    for path in sorted((store_root / SAE_FOLDER).glob(f"*/{CONFIG}")):
        workbench = read_workbench(path.parent)
        hook_name = read_config(path).metadata.get("hook_name")
        found.append(
            SavedSAE(
                path.parent.name,
                str(workbench.get("name", path.parent.name)),
                None if hook_name is None else str(hook_name),
                dict(workbench.get("row", {})).get("model_id"),
            )
        )
    return found


def warm_sae(context: TaskContext, model: LanguageModel, hook_name: str, saved: SavedSAE) -> SAE:
    """A saved SAE, loaded on the worker's device.

    Raises:
        HookPointError: its width does not fit the model's hook point.
    """
    load = partial(load_sae, context.store_root / sae_path(saved.sae_id), context.device)
    sae = context.warm.get(("sae", saved.sae_id, context.device), load)
    model.check_width(hook_name, sae.d_in)
    return sae


def find_saes(context: TaskContext, names: tuple[str, ...], model: LanguageModel, hook_name: str) -> dict[str, SAE]:
    """The SAEs of one hook point that a spec names by id or name, loaded, in the spec's order: ``{sae_id: sae}``.

    Raises:
        JobError: the store has no such SAE, or it belongs to another model or hook point.
        HookPointError: an SAE's width does not fit the model's hook point.
    """
    found = saes_by_site(context, names, model, (hook_name,))[hook_name]
    return {saved.sae_id: warm_sae(context, model, hook_name, saved) for saved in found}


def saes_by_site(
    context: TaskContext, names: tuple[str, ...], model: LanguageModel, hook_names: tuple[str, ...]
) -> dict[str, list[SavedSAE]]:
    """The SAEs that a spec names, by the hook point that each is studied at; "*" names all of the model's.

    Without ``hook_names`` these are the hook points that the SAEs were trained on.

    Raises:
        JobError: the store has no such SAE, or it belongs to another model or hook point.
    """
    saved = saved_saes(context.store_root)
    for hook_name in hook_names:
        model.site(hook_name)
    sites: dict[str, list[SavedSAE]] = {name: [] for name in hook_names}
    for sae in _named(context, names, saved, model, hook_names):
        for hook_name in _hook_points(sae, hook_names):
            sites.setdefault(hook_name, []).append(sae)
    if empty := [name for name, saes in sites.items() if not saes]:
        has = ", ".join(sorted({sae.hook_name for sae in saved if sae.hook_name})) or "none"
        raise JobError(
            f"hook_names: {empty[0]} has no SAE among {', '.join(names)}; "
            f"the store {context.store_root} has SAEs on {has}"
        )
    return sites


def _named(
    context: TaskContext,
    names: tuple[str, ...],
    saved: list[SavedSAE],
    model: LanguageModel,
    hook_names: tuple[str, ...],
) -> list[SavedSAE]:
    """The SAEs of the names, each once, in the spec's order."""
    found: dict[str, SavedSAE] = {}
    for name in names:
        if name == ALL:
            fitting = [sae for sae in saved if sae.fits(model)]
            wanted = [sae for sae in fitting if not hook_names or set(_hook_points(sae, hook_names)) <= set(hook_names)]
            if not wanted:
                raise JobError(f"saes: the store {context.store_root} has no SAE of {model.name}; train one first")
        else:
            wanted = [sae for sae in saved if name in (sae.sae_id, sae.name)]
            if not wanted:
                known = ", ".join(sorted(sae.name for sae in saved)) or "none"
                raise JobError(f"saes: the store {context.store_root} has no SAE {name!r} (it has: {known})")
            hook_name = wanted[-1].hook_name
            if hook_names and hook_name not in (None, *hook_names):
                raise JobError(
                    f"saes: {name!r} was trained on {hook_name}, but hook_name is {', '.join(hook_names)}; "
                    "name the hook point it was trained on"
                )
            wanted = wanted[-1:]
            if strange := [sae for sae in wanted if not sae.fits(model)]:
                raise JobError(
                    f"saes: {name!r} was trained on another language model ({strange[0].model_id}) than {model.name} "
                    f"({model.model_id}); name the model it was trained on"
                )
        found |= {sae.sae_id: sae for sae in wanted}
    return list(found.values())


def _hook_points(sae: SavedSAE, hook_names: tuple[str, ...]) -> list[str]:
    """Where an SAE is studied: where it was trained, or at all wanted hook points if its file does not say."""
    if sae.hook_name is not None:
        return [sae.hook_name]
    if not hook_names:
        raise JobError(f"saes: {sae.name!r} does not say which hook point it was trained on; name it in hook_names")
    return list(hook_names)
