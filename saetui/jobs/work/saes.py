"""The SAEs that a job works on, found in the store's folder by name, and kept warm between the jobs of a worker."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.sources_state import ALL, sae_state
from saetui.jobs.work.shelf import DamagedSAE, SavedSAE, Shelf, read_shelf, sae_path
from saetui.lm import HookPointError, LanguageModel
from saetui.lookup import newest_meant
from saetui.pursuit.encoders import Encoders
from saetui.sae import SAE, SAEError, load_sae
from saetui.sae.formats.saelens import WEIGHTS
from store.exceptions import StoreUnreadable
from store.plain import check_plain

# Errors that make one SAE unusable, and say nothing about the others.
UNUSABLE = (SAEError, HookPointError, StoreUnreadable)
_EARLIER = "earlier_saes"


def warm_sae(context: TaskContext, model: LanguageModel, hook_name: str, saved: SavedSAE) -> SAE:
    """A saved SAE, loaded on the worker's device.

    Raises:
        HookPointError: its width does not fit the model's hook point.
    """
    path = context.store_root / sae_path(saved.sae_id)
    check_plain(context.store_root, path / WEIGHTS)
    load = partial(load_sae, path, context.device)
    sae = context.warm.get(("sae", *_state(context, saved.sae_id)), load)
    model.check_width(hook_name, sae.d_in)
    return sae


def warm_encoders(context: TaskContext, sae_id: str, sae: SAE) -> Encoders:
    """What pursues codes in an SAE's dictionary."""
    return context.warm.get(("encoders", *_state(context, sae_id)), lambda: Encoders(sae))


def _state(context: TaskContext, sae_id: str) -> tuple[str, str, str]:
    """What an SAE, and what is made of it, is kept warm by: an edited folder is another SAE."""
    return sae_id, sae_state(context.store_root, sae_id), context.device


def find_saes(context: TaskContext, names: tuple[str, ...], model: LanguageModel, hook_name: str) -> dict[str, SAE]:
    """The SAEs of one hook point that a spec names by id or name, loaded, in the spec's order: ``{sae_id: sae}``.

    Of those that "*" stands for, one that cannot be used is left out, and the job says so.

    Raises:
        JobError: the store has no such SAE, it belongs to another model or hook point, or none can be used.
        SAEError: an SAE that the spec names itself is damaged.
        HookPointError: its width does not fit the model's hook point.
    """
    left_out = LeftOut(context)
    loaded = {}
    for saved in saes_by_site(context, names, model, (hook_name,))[hook_name]:
        with left_out.unless_named(saved):
            loaded[saved.sae_id] = warm_sae(context, model, hook_name, saved)
    left_out.require(loaded)
    return loaded


class LeftOut:
    """The SAEs that a job leaves out, and why."""

    def __init__(self, context: TaskContext) -> None:
        self._context = context
        self._first: Exception | None = None

    @contextmanager
    def unless_named(self, saved: SavedSAE, errors: tuple[type[Exception], ...] = UNUSABLE) -> Iterator[None]:
        """An error that makes the SAE unusable ends the block and is noted, or raised where the spec names the SAE."""
        try:
            yield
        except errors as error:
            if saved.named:
                raise
            self._first = self._first or error
            self._context.note(f"{saved.name} is left out: {error}")

    def require(self, usable: Mapping[str, object] | Sequence[object]) -> None:
        """Raises the first reason where none is left."""
        if not usable and self._first is not None:
            raise self._first


def find_earlier_saes(
    context: TaskContext, names: tuple[str, ...], model: LanguageModel, hook_name: str
) -> dict[str, SAE]:
    """The SAEs of earlier hook points that a spec names, loaded: ``{sae_id: sae}``.

    "*" names the widest of each earlier hook point.

    Raises:
        JobError: the store has no such SAE, or it is not of an earlier hook point of this model.
    """
    if not names:
        return {}
    order = model.hook_names()
    before = order[: order.index(hook_name)]
    left_out = LeftOut(context)
    loaded: dict[str, SAE] = {}
    for site, saved in saes_by_site(context, names, model, (), field=_EARLIER).items():
        if late := [sae for sae in saved if sae.named and site not in before]:
            raise JobError(f"{_EARLIER}: {late[0].name!r} is at {site}, which does not come before {hook_name}")
        usable: dict[str, SAE] = {}
        for one in saved if site in before else ():
            with left_out.unless_named(one):
                usable[one.sae_id] = warm_sae(context, model, site, one)
        named = {one.sae_id for one in saved if one.named}
        widest = max(usable, key=lambda sae_id: usable[sae_id].d_sae, default=None)
        loaded |= {sae_id: sae for sae_id, sae in usable.items() if sae_id in named or (not named and sae_id == widest)}
    if not loaded:
        raise JobError(f"{_EARLIER}: the store {context.store_root} has no SAE of a hook point before {hook_name}")
    return loaded


def saes_by_site(
    context: TaskContext,
    names: tuple[str, ...],
    model: LanguageModel,
    hook_names: tuple[str, ...],
    *,
    field: str = "saes",
) -> dict[str, list[SavedSAE]]:
    """The SAEs that a field of a spec names, by the hook point that each is studied at; "*" names all of the model's.

    Without ``hook_names`` these are the hook points that the SAEs were trained on. Of those that "*" stands for, one
    that cannot be used is left out, and the job says so.

    Raises:
        JobError: the store has no such SAE, it is damaged, or it belongs to another model or hook point.
        HookPointError: the model has no such hook point.
    """
    shelf = read_shelf(context.store_root)
    for hook_name in hook_names:
        model.site(hook_name)
    sites: dict[str, list[SavedSAE]] = {name: [] for name in hook_names}
    left_out = LeftOut(context)
    for sae in _named(context, names, shelf, model, hook_names, field):
        with left_out.unless_named(sae, (*UNUSABLE, JobError)):
            for hook_name in _hook_points(sae, hook_names):
                model.site(hook_name)
                sites.setdefault(hook_name, []).append(sae)
    left_out.require(sites)
    if empty := [name for name, saes in sites.items() if not saes]:
        has = ", ".join(sorted({sae.hook_name for sae in shelf.sound if sae.hook_name})) or "none"
        raise JobError(
            f"hook_names: {empty[0]} has no SAE among {', '.join(names)}; "
            f"the store {context.store_root} has SAEs on {has}"
        )
    return sites


def _named(
    context: TaskContext,
    names: tuple[str, ...],
    shelf: Shelf,
    model: LanguageModel,
    hook_names: tuple[str, ...],
    field: str,
) -> list[SavedSAE]:
    """The SAEs of the names, each once, in the spec's order."""
    found: dict[str, SavedSAE] = {}
    saved = shelf.sound
    for name in names:
        if name == ALL:
            for damaged in shelf.damaged:
                context.note(str(damaged))
            fitting = [sae for sae in saved if sae.fits(model)]
            wanted = [sae for sae in fitting if not hook_names or set(_hook_points(sae, hook_names)) <= set(hook_names)]
            if not wanted:
                why = f" ({shelf.damaged[0]})" if shelf.damaged else ""
                raise JobError(
                    f"{field}: the store {context.store_root} has no SAE of {model.name}{why}; train one first"
                )
        else:
            wanted = [named_sae(context, name, shelf, field)]
            hook_name = wanted[0].hook_name
            if hook_names and hook_name not in (None, *hook_names):
                raise JobError(
                    f"{field}: {name!r} was trained on {hook_name}, but hook_name is {', '.join(hook_names)}; "
                    "name the hook point it was trained on"
                )
            if strange := [sae for sae in wanted if not sae.fits(model)]:
                raise JobError(
                    f"{field}: {name!r} was trained on another language model ({strange[0].model_id}) than "
                    f"{model.name} ({model.model_id}); name the model it was trained on"
                )
            wanted = [replace(sae, named=True) for sae in wanted]
        found |= {sae.sae_id: sae for sae in wanted if not (sae.sae_id in found and found[sae.sae_id].named)}
    return list(found.values())


def named_sae(context: TaskContext, name: str, shelf: Shelf, field: str) -> SavedSAE:
    """The SAE of a name, an id, or the unique beginning of either; of several of one name the last."""
    there: tuple[SavedSAE | DamagedSAE, ...] = (*shelf.damaged, *shelf.sound)
    found = newest_meant(name, there, lambda sae: (sae.sae_id, sae.name or sae.sae_id))
    if len(found) > 1:
        raise JobError(f"{field}: {name!r} can be {', '.join(sorted(sae.name or sae.sae_id for sae in found))}")
    if not found:
        known = ", ".join(sorted(sae.name for sae in shelf.sound)) or "none"
        raise JobError(f"{field}: the store {context.store_root} has no SAE {name!r} (it has: {known})")
    if isinstance(found[0], DamagedSAE):
        raise JobError(f"{field}: {name!r} cannot be used: {found[0].reason}")
    return found[0]


def _hook_points(sae: SavedSAE, hook_names: tuple[str, ...]) -> list[str]:
    """Where an SAE is studied: where it was trained, or at all wanted hook points if its file does not say."""
    if sae.hook_name is not None:
        return [sae.hook_name]
    if not hook_names:
        raise JobError(f"saes: {sae.name!r} does not say which hook point it was trained on; name it in hook_names")
    return list(hook_names)
