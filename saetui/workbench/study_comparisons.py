"""The jobs that compare a study with others of the same SAEs; they follow it where the others have been made."""

from collections.abc import Sequence

from saetui.jobs import Job, JobClient
from saetui.jobs.registry import spec_kinds
from saetui.jobs.sources_state import ALL
from saetui.jobs.specs import Spec
from saetui.lookup import newest_meant
from saetui.workbench.catalogue import Catalogue, SaeEntry
from saetui.workbench.study_specs import sites


def submit_comparisons(client: JobClient, catalogue: Catalogue, spec: Spec, job: Job) -> list[Job]:
    """Queue what compares a study, made by ``job``, with others; return those jobs.

    A comparison is of the SAEs of which every study that it compares is in the store or under way. Where the job has
    ended already, or the comparison waits for it already, none is queued.

    Raises:
        JobError: it cannot be queued.
    """
    if job.has_ended:
        return []
    submitted = []
    for kind, comparison in spec_kinds().items():
        if spec.kind not in comparison.compares:
            continue
        jobs = client.jobs()
        others = [other for other in comparison.compares if other != spec.kind]
        compared = {
            entry: [_under_way(other, entry, jobs) for other in others if not _is_made(other, entry, catalogue)]
            for entry in _saes_of(spec, catalogue)
        }
        there = {entry: found for entry, found in compared.items() if all(found)}
        for site in sites(comparison, tuple(there)):
            asked = comparison.model_validate({"kind": kind, **site})
            if any(_is_same(other, asked, job) for other in jobs):
                continue
            hook = site.get("hook_name")
            here = [entry for entry in there if entry.name in site["saes"] and hook in (None, entry.hook_name)]
            waits_for = [found[-1].id for entry in here for found in there[entry]]
            submitted.append(client.submit(asked, after=[*dict.fromkeys(waits_for), job]))
    return submitted


def _saes_of(spec: Spec, catalogue: Catalogue) -> list[SaeEntry]:
    """The SAEs that a study is of, as far as the store has them."""
    names = getattr(spec, "saes", ())
    named = {sae for name in names for sae in newest_meant(name, catalogue.saes, lambda sae: (sae.sae_id, sae.name))}
    hooks = {*getattr(spec, "hook_names", ()), *filter(None, [getattr(spec, "hook_name", None)])}
    return [
        sae
        for sae in catalogue.saes
        if (ALL in names or sae in named)
        and sae.model_source == getattr(spec, "model", sae.model_source)
        and (not hooks or sae.hook_name in hooks)
    ]


def _is_made(kind: str, sae: SaeEntry, catalogue: Catalogue) -> bool:
    return catalogue.has_study(kind, sae.sae_id, (sae.sae_id,))


def _under_way(kind: str, sae: SaeEntry, jobs: Sequence[Job]) -> list[Job]:
    """The jobs that are making a study of a kind of an SAE."""

    def covers(job: Job) -> bool:
        names, hook = job.setting("saes") or (), job.setting("hook_name")
        return hook in (None, sae.hook_name) and not {ALL, sae.sae_id, sae.name}.isdisjoint(names)

    return [job for job in jobs if job.kind == kind and not job.is_over and covers(job)]


def _is_same(job: Job, asked: Spec, after: Job) -> bool:
    """Whether a job that is yet to run asks for the same, after that other job."""
    waits = job.kind == asked.kind and not job.has_ended and after.id in job.after
    return waits and all(job.setting(name) == value for name, value in asked.document().items())
