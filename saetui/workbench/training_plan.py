"""What a training will be: what was asked for, the rest from the recipe of an SAE that is there, and both in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from saetui.jobs.demo import AUXK, BATCH, DEAD_TOKENS, TOKENS, learning_rate
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.jobs.specs import Spec
from saetui.recipes import TrainedBy, differences, rate_at, written
from saetui.workbench.catalogue import SaeEntry
from saetui.workbench.exceptions import CommandError
from saetui.workbench.study_specs import train_specs

# Asks for saetui's own settings instead of those of an SAE.
NONE = "none"
# Activations of up to this width count as small: short trainings in small steps, as in the demo.
_SMALL = 512
# What belongs to one architecture, so that another one does not take it over.
_OF_ARCHITECTURE = ("auxk", "dead_tokens", "settings")


@dataclass(frozen=True)
class TrainingPlan:
    """The job that trains, those that study its SAEs, and the SAE whose recipe it takes what was not given from.

    ``unknown`` is the SAE that would have been taken as the example if its recipe were known.
    """

    train: TrainSpec
    studies: tuple[Spec, ...]
    like: SaeEntry | None = None
    unknown: SaeEntry | None = None
    is_small: bool = False
    rates: tuple[tuple[int, float | None], ...] = ()

    @property
    def said(self) -> str:
        """What will be trained, and what differs from the recipe that it follows."""
        spec, first = self.train, self.train.recipes[0]
        saes = ", ".join(f"{recipe.sae_name} ({_shape(recipe)})" for recipe in spec.recipes)
        rates = list(dict.fromkeys(recipe.lr for recipe in spec.recipes))
        lr = "learning rate " + ", ".join("the default" if rate is None else f"{rate:g}" for rate in rates)
        further = [written("auxk", first.auxk)] if first.auxk is not None else []
        if first.dead_tokens is not None:
            further.append(f"latents dead after {first.dead_tokens:,} tokens")
        if first.settings:
            further.append(written("settings", spec.trained_by(first).settings))
        parts = [f"batches of {spec.batch_size:,}", lr, *further, f"seed {spec.seed}"]
        return f"This trains {saes} on {spec.tokens:,} tokens of {spec.corpus}: {', '.join(parts)}. {self._beside}"

    @property
    def _beside(self) -> str:
        if self.like is None:
            own = "saetui's settings for small models" if self.is_small else "saetui's settings"
            if self.unknown is None:
                return f"These are {own}."
            return f"How {self.unknown.name} was trained is not known, so these are {own}, and no figure joins them."
        recipe = TrainedBy.read(self.like.recipe)
        assert recipe is not None
        found: list[str] = []
        for one in self.train.recipes:
            mine = self.train.trained_by(one)
            if mine.lr == rate_at(one.width, self.rates):
                mine = replace(mine, lr=recipe.lr)  # As SAEs of the recipe have at this width.
            found += differences(mine, recipe)
        found = list(dict.fromkeys([*self._shapes, *found]))
        if not found:
            return f"That is the recipe of {self.like.name}."
        return f"The recipe is that of {self.like.name} but for: {'; '.join(found)}."

    @property
    def _shapes(self) -> list[str]:
        """How widths and numbers of latents differ from those of the example."""
        assert self.like is not None
        found = []
        for name, own in (("width", self.like.width), ("k", self.like.k)):
            values = dict.fromkeys(getattr(recipe, name) for recipe in self.train.recipes)
            said = ", ".join("none" if value is None else f"{value:,}" for value in values)
            if list(values) != [own]:
                found.append(f"{name} {said} instead of {'none' if own is None else f'{own:,g}'}")
        return found


def _shape(recipe: Recipe) -> str:
    k = "" if recipe.k is None else f", k {recipe.k}"
    return f"{recipe.architecture}, width {recipe.width:,}{k}"


def plan_training(
    given: Mapping[str, Any], saes: Sequence[SaeEntry], *, example: SaeEntry | None = None, like: str = ""
) -> TrainingPlan:
    """The training that ``given`` asks for, fields of the job and of its recipes as ``train_specs`` takes them.

    What is not given is as in the SAE that ``like`` names among ``saes``, those of the store; without a name as in the
    ``example``, if it is known how that was trained, and with "none" as it is done here by default.

    Raises:
        UsageError: the first thing that is wrong in what was given.
        CommandError: ``like`` names no SAE of the store, or one whose recipe is not known.
    """
    if like and like != NONE:
        example = next((sae for sae in saes if like in (sae.name, sae.sae_id)), None)
        if example is None:
            raise CommandError(f"train: like: no SAE {like!r} here; there are {', '.join(sae.name for sae in saes)}")
        if TrainedBy.read(example.recipe) is None:
            raise CommandError(f"train: like: how {example.name} was trained is not known; name another, or {NONE}")
    recipe = TrainedBy.read(example.recipe) if example is not None and like != NONE else None
    if example is None or recipe is None:
        is_small = _is_small(given, example)
        own = {"tokens": TOKENS, "batch_size": BATCH} if is_small else {}
        specs = train_specs({**own, **given}, _small_recipe if is_small else dict)
        unknown = example if like != NONE else None
        return TrainingPlan(_train(specs), tuple(specs[1:]), unknown=unknown, is_small=is_small)
    rates = _rates(recipe, example, saes)
    of_job = {name: getattr(recipe, name) for name in ("corpus", "tokens", "batch_size", "context_length", "dtype")}
    if recipe.max_tokens is not None:
        of_job["max_tokens"] = recipe.max_tokens
    keeps = [recipe.architecture] == list(given.get("architecture", ()))
    k = {"k": (int(example.k),)} if keeps and example.k is not None else {}

    def completed(one: dict[str, Any]) -> dict[str, Any]:
        if one.get("architecture", "topk") != recipe.architecture:
            return one
        own = {name: getattr(recipe, name) for name in _OF_ARCHITECTURE}
        own["settings"] = dict(recipe.settings)
        try:
            own["lr"] = rate_at(int(one["width"]), rates)
        except (KeyError, ValueError):
            return one  # Errors are reported by the whole job's spec.
        return {name: value for name, value in own.items() if value not in (None, {})} | one

    if given.get("corpus") == example.corpus_source:
        given = {name: value for name, value in given.items() if name != "corpus"}
    left_out = {name: value for name, value in (of_job | k).items() if name not in given}
    specs = train_specs({**given, **left_out}, completed)
    return TrainingPlan(_train(specs), tuple(specs[1:]), like=example, rates=rates)


def _train(specs: Sequence[Spec]) -> TrainSpec:
    assert isinstance(specs[0], TrainSpec)
    return specs[0]


def _rates(recipe: TrainedBy, example: SaeEntry, saes: Sequence[SaeEntry]) -> tuple[tuple[int, float | None], ...]:
    """Width and learning rate of the SAEs of a recipe at a site; that of the example counts at its own width."""
    known = [(sae, TrainedBy.read(sae.recipe)) for sae in saes if sae.hook_name == example.hook_name]
    alike = {sae.width: one.lr for sae, one in known if one is not None and one.in_common == recipe.in_common}
    return tuple(sorted((alike | {example.width: recipe.lr}).items()))


def _is_small(given: Mapping[str, Any], example: SaeEntry | None) -> bool:
    if example is not None and example.d_model is not None:
        return example.d_model <= _SMALL
    return bool(given.get("model", "embedded") == "embedded")


def _small_recipe(one: dict[str, Any]) -> dict[str, Any]:
    """A recipe with the demo's settings; other architectures have their authors' learning rates."""
    if one.get("architecture", "topk") != "topk":
        return one
    try:
        lr = learning_rate(int(one["width"]))
    except (KeyError, ValueError, ZeroDivisionError):
        return one  # Errors are reported by the whole job's spec.
    return {"lr": lr, "auxk": AUXK, "dead_tokens": DEAD_TOKENS, **one}
