"""The job specs of what a person asks for by a command; apart from the commands, since specs bring pydantic."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, TypeVar

from pydantic import ValidationError

from saetui.jobs import Job, JobError, parse_spec
from saetui.jobs.kinds.ablation.spec import AblationSpec
from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.jobs.kinds.latents.spec import LatentsSpec
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.jobs.registry import spec_kinds
from saetui.jobs.spec_options import document_of, named_numbers
from saetui.jobs.specs import Spec, WordsSpec
from saetui.workbench.catalogue import SaeEntry
from saetui.workbench.exceptions import UsageError
from saetui.workbench.token_choice import TokenChoice, find_tokens, read_l0, source_of
from store import Reader

# Tokens that SAEs are trained on by default.
TRAINED_TOKENS = 2_000_000
# Fields that the name of an SAE contains anyway.
_NAMED = ("architecture", "width", "k", "settings")


def train_specs(given: Mapping[str, Any], completed: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> list[Spec]:
    """The training job of a grid, and the jobs that study its SAEs after it.

    ``given`` has fields of the job, and of its recipes, of which each has several values: every combination is trained,
    ``completed`` with what was not given.
    Raises UsageError naming the first thing that is wrong.
    """
    own = {name: value for name, value in given.items() if name in TrainSpec.model_fields}
    combinations = _combinations({name: value for name, value in given.items() if name not in own})
    recipes = [completed(recipe) for recipe in _named(combinations)]
    train = _parsed({"kind": "train", "tokens": TRAINED_TOKENS, **own, "recipes": recipes}, TrainSpec, "train")
    saes = tuple(recipe.sae_name for recipe in train.recipes)
    return [
        train,
        AbsorptionSpec(model=train.model, saes=saes),
        LatentsSpec(model=train.model, corpus=train.corpus, hook_name=train.hook_name, saes=saes),
    ]


def _combinations(axes: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    """A recipe for every combination of values; those of its ``settings`` are texts ``name=value,value``."""
    settings = named_numbers(axes.get("settings", ()))
    others = {name: list(values) for name, values in axes.items() if name != "settings"}
    return [
        {**dict(zip(others, chosen, strict=True)), **({"settings": numbers} if numbers else {})}
        for *chosen, numbers in product(
            *others.values(), [dict(zip(settings, chosen, strict=True)) for chosen in product(*settings.values())]
        )
    ]


def _named(recipes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The recipes, with what else differs in the name where architecture, width and k do not tell them apart."""
    try:
        names = [Recipe.model_validate(recipe).sae_name for recipe in recipes]
    except ValidationError:
        return recipes  # Errors are reported by the whole job's spec.
    parts = [
        {name: value for name, value in recipe.items() if name not in _NAMED} | recipe.get("settings", {})
        for recipe in recipes
    ]
    differing = [name for name in (parts[0] if parts else ()) if len({part[name] for part in parts}) > 1]
    return [
        {**recipe, "name": "-".join([name, *(f"{key}{part[key]}" for key in differing)])}
        if names.count(name) > 1
        else recipe
        for recipe, name, part in zip(recipes, names, parts, strict=True)
    ]


def study_specs(kind: str, saes: Sequence[SaeEntry], given: Mapping[str, Any]) -> list[Spec]:
    """The jobs of a kind, and of those that belong to it, for SAEs: one for each site, or model, that it reads.

    ``given`` has further fields of the kind. Raises UsageError naming the first thing that is wrong.
    """
    known = spec_kinds()
    specs = [_parsed(document_of(known[kind], given) | site, known[kind], kind) for site in sites(known[kind], saes)]
    for other in known[kind].along:
        specs += [_parsed({"kind": other, **site}, known[other], kind) for site in sites(known[other], saes)]
    return specs


def sites(spec: type[Spec], saes: Sequence[SaeEntry]) -> list[dict[str, Any]]:
    """What a job of this kind reads, and the SAEs for which it is the same; of a kind without SAEs just one job."""
    if "saes" not in spec.model_fields:
        return [{}]
    sites: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for entry in saes:
        read = {"model": entry.model_source, "corpus": entry.corpus_source, "hook_name": entry.hook_name}
        site = tuple((name, value) for name, value in read.items() if name in spec.model_fields)
        sites.setdefault(site, []).append(entry.name)
    return [{**dict(site), "saes": tuple(names)} for site, names in sites.items()]


S = TypeVar("S", bound=Spec)


def _parsed(document: Mapping[str, Any], kind: type[S], verb: str) -> S:
    try:
        spec = parse_spec(document, source=verb)
    except JobError as problem:
        raise UsageError(str(problem)) from problem
    assert isinstance(spec, kind)
    return spec


def ablation_spec(store: Reader, sae: SaeEntry, word: str, jobs: Sequence[Job]) -> AblationSpec:
    """The job that removes every latent of a word; it asks about the word as the SAE's last study did."""
    return AblationSpec(
        **_asked_as_before(store, sae, jobs), model=sae.model_source, hook_name=sae.hook_name, sae=sae.name, word=word
    )


def pursuit_spec(
    store: Reader,
    sae: SaeEntry,
    choice: TokenChoice,
    l0: str,
    method: str,
    jobs: Sequence[Job],
    given: Mapping[str, Any] | None = None,
) -> PursuitSpec:
    """The job that pursues some tokens: in the corpus of the SAE's error study, words asked about as in its last study.

    ``given`` has further fields of the job.

    Raises CommandError where there are no such tokens, or naming the first thing that is wrong.
    """
    tokens, source = find_tokens(store, sae, choice), source_of(store, sae)
    corpus = {"corpus": source["corpus"], "context_length": source["context_length"]} if source["corpus_id"] else {}
    if tokens.places:
        corpus["corpus_id"] = source["corpus_id"]
    try:
        return PursuitSpec.model_validate(
            {
                **_asked_as_before(store, sae, jobs),
                **corpus,
                "model": source["model"],
                "hook_name": source["hook_name"],
                "sae": sae.name,
                "max_tokens": source["max_tokens"],
                "study": source["study_id"],
                "places": tokens.places,
                "words": tokens.words,
                "random_tokens": tokens.random_tokens,
                "chosen": choice.in_words,
                "l0": read_l0(l0, sae),
                "method": method,
                **(given or {}),
            }
        )
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"pursue: {where + ': ' if where else ''}{first['msg']}") from problem


def _asked_as_before(store: Reader, sae: SaeEntry, jobs: Sequence[Job]) -> dict[str, Any]:
    """The settings of the words whose probes are shown of an SAE: those of the job that wrote them."""
    found = store.fetch("words_asked", sae=sae.sae_id).dicts()
    if not found:
        return {}
    # The store learns of a job when it ends, but has its rows before.
    job_id, ended = found[0]["job_id"], found[0]["spec"]
    if not ended:
        job = next((job for job in jobs if job.id == job_id), None)
        asked = {} if job is None else {name: job.setting(name) for name in WordsSpec.model_fields}
        return {name: value for name, value in asked.items() if value is not None and name not in _OWN}
    spec = json.loads(ended)
    return {name: spec[name] for name in WordsSpec.model_fields if name in spec and name not in _OWN}


# What a spec says for itself, however the words are asked about.
_OWN = frozenset({"schema_version", "kind", "store", "model"})
