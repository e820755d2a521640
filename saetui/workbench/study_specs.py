"""The job specs of a small study: train, then letters, absorption and latents; apart, since specs bring pydantic."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from saetui.jobs import Job
from saetui.jobs.kinds.ablation.spec import AblationSpec
from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.jobs.kinds.errors.spec import ErrorsSpec
from saetui.jobs.kinds.latents.spec import LatentsSpec
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.jobs.specs import Spec, WordsSpec
from saetui.workbench.catalogue import SaeEntry
from saetui.workbench.exceptions import CommandError, UsageError
from saetui.workbench.token_choice import TokenChoice, find_tokens, read_l0, source_of
from store import Reader


def train_specs(
    *, architecture: str, grid: Sequence[tuple[int, int | None]], tokens: int, hook_name: str, model: str, corpus: str
) -> list[Spec]:
    """The training job of a grid of ``(width, k)``, and the jobs that come after it.

    Raises CommandError naming the first thing that is wrong.
    """
    try:
        recipes = tuple(
            Recipe.model_validate({"architecture": architecture, "width": width, "k": k}) for width, k in grid
        )
        names = tuple(recipe.sae_name for recipe in recipes)
        return [
            TrainSpec(model=model, corpus=corpus, hook_name=hook_name, recipes=recipes, tokens=tokens),
            AbsorptionSpec(model=model, saes=names),
            LatentsSpec(model=model, corpus=corpus, hook_name=hook_name, saes=names),
        ]
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CommandError(f"train: {where + ': ' if where else ''}{first['msg']}") from problem


def letters_specs(saes: Sequence[SaeEntry]) -> list[Spec]:
    """The jobs that find the letters and latents of SAEs, two for each site."""
    specs: list[Spec] = []
    for site in dict.fromkeys((s.model_source, s.corpus_source, s.hook_name) for s in saes):
        model, corpus, hook_name = site
        names = tuple(s.name for s in saes if (s.model_source, s.corpus_source, s.hook_name) == site)
        specs.append(LettersSpec(model=model, hook_name=hook_name, saes=names))
        specs.append(LatentsSpec(model=model, corpus=corpus, hook_name=hook_name, saes=names))
    return specs


def absorption_specs(saes: Sequence[SaeEntry]) -> list[Spec]:
    """The jobs that study the absorption of SAEs, one for each model."""
    models = dict.fromkeys(s.model_source for s in saes)
    return [
        AbsorptionSpec(model=model, saes=tuple(s.name for s in saes if s.model_source == model)) for model in models
    ]


def errors_specs(saes: Sequence[SaeEntry]) -> list[Spec]:
    """The jobs that study the errors of SAEs, one for each site: all of its SAEs read the same tokens."""
    specs: list[Spec] = []
    for site in dict.fromkeys((s.model_source, s.corpus_source, s.hook_name) for s in saes):
        model, corpus, hook_name = site
        names = tuple(s.name for s in saes if (s.model_source, s.corpus_source, s.hook_name) == site)
        specs.append(ErrorsSpec(model=model, corpus=corpus, hook_name=hook_name, saes=names))
    return specs


def ablation_spec(store: Reader, sae: SaeEntry, word: str, jobs: Sequence[Job]) -> AblationSpec:
    """The job that removes every latent of a word; it asks about the word as the SAE's last study did."""
    return AblationSpec(
        **_asked_as_before(store, sae, jobs), model=sae.model_source, hook_name=sae.hook_name, sae=sae.name, word=word
    )


def pursuit_spec(
    store: Reader, sae: SaeEntry, choice: TokenChoice, l0: str, method: str, jobs: Sequence[Job]
) -> PursuitSpec:
    """The job that pursues some tokens: in the corpus of the SAE's error study, words asked about as in its last study.

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
