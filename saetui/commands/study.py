"""Studies: the demo's, and more SAEs on the site that is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from saetui.commands.command import Argument, argument, command
from saetui.commands.job_command import JobCommand, fields_of, spec_arguments
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import screens

if TYPE_CHECKING:
    from saetui.jobs.specs import Spec
    from saetui.workbench.catalogue import SaeEntry
    from saetui.workbench.training_plan import TrainingPlan
    from saetui.workbench.workbench import Workbench

DEMO = "demo"
# Fields that the SAEs in view, or the current one, fill in.
_SITE = ("saes", "model", "corpus", "hook_name", "hook_names")
# Fields of a train job that the command has under its own names, or that are of one SAE among others.
_TRAINED = ("model", "corpus", "hook_name", "architecture", "width", "k", "tokens", "name")


def studies() -> tuple[str, ...]:
    """The demo, and every kind of job that takes all SAEs in view, or none; reads the specs, which bring pydantic."""
    from saetui.jobs.registry import spec_kinds

    return (DEMO, *(kind for kind, spec in spec_kinds().items() if not {"sae", "recipes"} & set(spec.model_fields)))


@command("study", "Make a study in the background", keys={"A": ""}, elsewhere=True, label="study")
class Study(JobCommand):
    name: str = argument(
        default="",
        help="demo: six new SAEs and their studies; letters, absorption, errors, …: of the SAEs in view; if left out, "
        "what the screen shows",
        complete="study",
    )
    force: bool = argument(default=False, help="make it even if it was made before; not for the demo")

    @classmethod
    def options(cls, given: Mapping[str, Any]) -> tuple[Argument, ...]:
        name = given.get("name") or DEMO
        return spec_arguments(name, _SITE) if name != DEMO and name in studies() else ()

    def resolved(self, bench: Workbench) -> Study:
        from saetui.jobs.registry import has_field

        shown = screens()[bench.screen].study
        name = self.name or (shown.kind if shown is not None else "")
        if not name:
            raise CommandError(f"study: name one, since this screen shows none; there are {', '.join(studies())}")
        if name != DEMO and name not in studies():
            raise CommandError(f"study: no study {name!r}; there are {', '.join(studies())}")
        if name != DEMO and not _in_view(bench) and has_field(name, "saes"):
            raise CommandError(f"study {name}: put an SAE in view first, with space on screen 1")
        return replace(self, name=name)

    def question(self, bench: Workbench) -> str:
        if self.name == DEMO:
            return (
                "Train six SAEs on the embedded model, and study their letters and errors? It takes some minutes in "
                "the background; x on screen 7 cancels it."
            )
        n = len(_in_view(bench))
        of = f" of the {n} SAEs in view" if n > 1 else " of the SAE in view" if n else ""
        return f"Make the study {self.name}{of}? It runs in the background; x on screen 7 cancels it."

    def run(self, bench: Workbench) -> None:
        saes = _in_view(bench)

        def submit() -> str:
            if self.name == DEMO:
                from saetui.jobs.demo import submit_demo

                jobs = submit_demo(bench.client)
            else:
                from saetui.workbench.study_comparisons import submit_comparisons
                from saetui.workbench.study_specs import study_specs

                jobs = []
                for spec in study_specs(self.name, saes, fields_of(self.name, self.further)):
                    job = bench.client.submit(_again(spec) if self.force else spec, force=self.force)
                    jobs += [job, *submit_comparisons(bench.client, bench.catalogue, spec, job)]
            ahead = [job for job in jobs if not job.has_ended]
            if not ahead:
                said = jobs[-1].found_text or "this has been done already"
                again = "" if self.name == DEMO else f"; :study {self.name} force=true makes it again"
                return f"study {self.name}: {said}{again}"
            why = ahead[0].record.remark
            queued = f"{len(ahead)} {'job is' if len(ahead) == 1 else 'jobs are'} queued; screen 7 shows its progress"
            return f"{queued}. {why}" if why else queued

        bench.in_background(submit)

    @classmethod
    def available(cls, bench: Workbench) -> bool:
        """Whether what the screen shows has not been studied yet; it can be studied again by name."""
        study, attention = screens()[bench.screen].study, bench.attention
        kind = study.kind if study is not None else ""
        if kind == DEMO:
            return super().available(bench) and not bench.catalogue.saes and not bench.jobs
        can = bool(_in_view(bench)) and not bench.catalogue.has_study(kind, attention.sae, attention.in_view)
        return super().available(bench) and can


def _in_view(bench: Workbench) -> tuple[SaeEntry, ...]:
    return tuple(sae for sae in bench.catalogue.saes if sae.sae_id in bench.attention.in_view)


def _again(spec: Spec) -> Spec:
    """The spec, told to redo what it has done before."""
    return spec.model_copy(update={"again": True}) if "again" in type(spec).model_fields else spec


@command("train", "Train more SAEs on this site, and study them")
class Train(JobCommand):
    architecture: str = argument(help="architecture of the SAEs, e.g. topk", complete="architecture")
    width: tuple[int, ...] = argument(help="numbers of latents, e.g. width=1024,4096")
    k: tuple[int, ...] = argument(default=(), help="latents kept per token, e.g. k=8,16; that of the SAE it is like")
    tokens: int = argument(default=0, help="tokens to train on; if left out, as many as the SAE that it is like")
    hook: str = argument(default="", help="hook point; that of the current SAE if left out")
    like: str = argument(
        default="",
        help="the SAE whose recipe holds for all that is not given; the current one if left out; none: saetui's own",
        complete="sae",
    )

    @classmethod
    def options(cls, given: Mapping[str, Any]) -> tuple[Argument, ...]:  # noqa: ARG003
        return spec_arguments("train", _TRAINED, grid=True)

    @property
    def reads(self) -> bool:
        return True

    def resolved(self, bench: Workbench) -> Train:
        entry = bench.catalogue.entry(bench.attention.sae)
        if entry is None or not (self.hook or bench.attention.hook):
            raise CommandError("train: there is no SAE to train beside yet; :study demo trains six, :run takes a spec")
        like = self.like if self.like in ("", "none") else bench.catalogue.sae(self.like).name
        filled = replace(self, hook=self.hook or bench.attention.hook or "", like=like)
        plan = filled._plan(bench)
        return filled if plan.like is None else replace(filled, like=plan.like.name)

    def _plan(self, bench: Workbench) -> TrainingPlan:
        from saetui.workbench.training_plan import plan_training

        entry = bench.catalogue.entry(bench.attention.sae)
        if entry is None:
            raise CommandError("train: there is no SAE to train beside yet; :study demo trains six, :run takes a spec")
        given = {
            "model": entry.model_source,
            "corpus": entry.corpus_source,
            "hook_name": self.hook,
            "architecture": (self.architecture,),
            "width": self.width,
            **({"tokens": self.tokens} if self.tokens else {}),
            **({"k": self.k} if self.k else {}),
            **fields_of("train", self.further),
        }
        return plan_training(given, bench.catalogue.saes, example=entry, like=self.like)

    def question(self, bench: Workbench) -> str:
        return (
            f"Train, and study what is trained? {self._plan(bench).said} It runs in the background; x on screen 7 "
            "cancels it."
        )

    def run(self, bench: Workbench) -> None:
        plan = self._plan(bench)

        def submit() -> str:
            first = bench.client.submit(plan.train)
            for spec in plan.studies:
                bench.client.submit(spec, after=[first])
            return f"{first.title} is queued; screen 7 shows its progress"

        bench.in_background(submit)
