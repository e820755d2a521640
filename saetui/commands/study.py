"""Studies: the demo's, and more SAEs on the site that is looked at."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.workbench.exceptions import CommandError

if TYPE_CHECKING:
    from saetui.jobs.specs import Spec
    from saetui.workbench.workbench import Workbench

STUDIES = ("demo", "letters", "absorption", "errors")
_TOKENS = 2_000_000


@command(
    "study",
    "Make a study in the background",
    keys={"D": "demo"},
    screens=("overview",),
    elsewhere=True,
    label="demo study",
)
class Study(Command):
    name: str = argument(
        help="demo: six new SAEs and their studies; letters, absorption, errors: of the SAEs in view",
        complete="study",
    )
    force: bool = argument(default=False, help="make it although it was made before; not of the demo")

    def run(self, bench: Workbench) -> None:
        if self.name not in STUDIES:
            raise CommandError(f"study: no study {self.name!r}; there is {', '.join(STUDIES)}")

        saes = tuple(s for s in bench.catalogue.saes if s.sae_id in bench.attention.in_view)
        if self.name != "demo" and not saes:
            raise CommandError(f"study {self.name}: put an SAE in view first, with space on screen 1")

        def submit() -> str:
            if self.name == "demo":
                from saetui.jobs.demo import submit_demo

                jobs = submit_demo(bench.client)
            else:
                from saetui.workbench.study_specs import absorption_specs, errors_specs, letters_specs

                makers = {"letters": letters_specs, "absorption": absorption_specs, "errors": errors_specs}
                specs = makers[self.name](saes)
                jobs = [bench.client.submit(_again(spec) if self.force else spec, force=self.force) for spec in specs]
            ahead = [job for job in jobs if not job.has_ended]
            if not ahead:
                said = jobs[-1].found_text or "this has been done already"
                again = "" if self.name == "demo" else f"; :study {self.name} force=true makes it again"
                return f"study {self.name}: {said}{again}"
            return f"{len(ahead)} {'job is' if len(ahead) == 1 else 'jobs are'} queued; screen 7 shows its progress"

        bench.in_background(submit)

    @classmethod
    def available(cls, bench: Workbench) -> bool:
        return super().available(bench) and not bench.catalogue.saes and not bench.jobs


def _again(spec: Spec) -> Spec:
    """The spec with what it has done before to be done again, too."""
    return spec.model_copy(update={"again": True}) if "again" in type(spec).model_fields else spec


@command("train", "Train more SAEs on this site, and study them")
class Train(Command):
    architecture: str = argument(help="architecture of the SAEs, e.g. topk", complete="architecture")
    width: tuple[int, ...] = argument(help="numbers of latents, e.g. width=1024,4096")
    k: tuple[int, ...] = argument(default=(), help="latents kept per token, e.g. k=8,16; topk needs it")
    tokens: int = argument(default=_TOKENS, help="tokens to train on")
    hook: str = argument(default="", help="hook point; that of the current SAE if left out")

    def run(self, bench: Workbench) -> None:
        entry = bench.catalogue.entry(bench.attention.sae)
        hook = self.hook or bench.attention.hook
        if entry is None or hook is None:
            raise CommandError("train: there is no SAE to train beside yet; :study demo trains six, :run takes a spec")

        def submit() -> str:
            from saetui.workbench.study_specs import train_specs

            specs = train_specs(
                architecture=self.architecture,
                grid=list(product(self.width, self.k or (None,))),
                tokens=self.tokens,
                hook_name=hook,
                model=entry.model_source,
                corpus=entry.corpus_source,
            )
            first = bench.client.submit(specs[0])
            for spec in specs[1:]:
                bench.client.submit(spec, after=[first])
            return f"{first.title} is queued; screen 7 shows its progress"

        bench.in_background(submit)
