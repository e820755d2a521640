"""What a task works on: models, corpora and SAEs, kept warm between the jobs of a worker."""

from functools import partial
from pathlib import Path

from saetui.jobs.context import TaskContext
from saetui.jobs.errors import JobError
from saetui.lm import Corpus, LanguageModel, TokenizedCorpus, load_corpus, load_model, tokenize
from saetui.sae import SAE, load_sae
from saetui.sae.folder import read_workbench

SAE_FOLDER = Path("tensors", "sae")


def warm_model(context: TaskContext, source: str, dtype: str | None = None) -> LanguageModel:
    """The language model of a spec, on the worker's device."""
    import torch

    context.progress("load", 0, None, "models")
    number_format = None if dtype is None else getattr(torch, dtype)
    return context.warm.get(
        ("model", source, context.device, dtype),
        lambda: load_model(source, device=context.device, dtype=number_format),
    )


def warm_tokens(
    context: TaskContext, model: LanguageModel, source: str, context_length: int, max_tokens: int | None
) -> TokenizedCorpus:
    """The corpus of a spec, cut into contexts for the model; a context is never longer than the model reads."""
    length = min(context_length, model.context_length)

    def cut() -> TokenizedCorpus:
        corpus: Corpus = load_corpus(source)
        return tokenize(corpus, model, context_length=length, max_tokens=max_tokens)

    return context.warm.get(("tokens", model.model_id, source, length, max_tokens), cut)


def sae_path(sae_id: str) -> Path:
    """An SAE's folder, relative to the store."""
    return SAE_FOLDER / sae_id


def saved_saes(store_root: Path) -> dict[str, str]:
    """Names and ids of the SAEs whose folders are in the store: ``{sae_id: name}``."""
    folders = sorted((store_root / SAE_FOLDER).glob("*/cfg.json"))
    return {path.parent.name: str(read_workbench(path.parent).get("name", path.parent.name)) for path in folders}


def find_saes(context: TaskContext, names: tuple[str, ...], model: LanguageModel, hook_name: str) -> dict[str, SAE]:
    """The SAEs that a spec names by id or name, loaded, in the spec's order: ``{sae_id: sae}``.

    Raises:
        JobError: the store has no such SAE.
        HookPointError: an SAE's width does not fit the model's hook point.
    """
    saved = saved_saes(context.store_root)
    found: dict[str, SAE] = {}
    for name in names:
        ids = [sae_id for sae_id, saved_name in saved.items() if name in (sae_id, saved_name)]
        if not ids:
            known = ", ".join(sorted(saved.values())) or "none"
            raise JobError(f"saes: the store {context.store_root} has no SAE {name!r} (it has: {known})")
        sae_id = ids[-1]
        load = partial(load_sae, context.store_root / sae_path(sae_id), context.device)
        sae = context.warm.get(("sae", sae_id, context.device), load)
        model.check_width(hook_name, sae.d_in)
        if sae.hook_name not in (None, hook_name):
            raise JobError(
                f"saes: {name!r} was trained on {sae.hook_name}, but hook_name is {hook_name}; "
                "name the hook point it was trained on"
            )
        found[sae_id] = sae
    return found
