"""Commands of the absorption screen: metric, thresholds, which words, and the jobs behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from saetui.commands.arguments import build
from saetui.commands.command import Command, argument, command
from saetui.commands.select import surface_of
from saetui.workbench.attention import BOUNDS, METRICS
from saetui.workbench.exceptions import CommandError
from saetui.workbench.known_places import require_word

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

SCREEN = "absorption"
LETTERS, CASES, EVIDENCE, OCCURRENCES, MAP = (
    f"{SCREEN}.{part}" for part in ("letters", "cases", "evidence", "occurrences", "map")
)
_THRESHOLDS = "SELECT tau, lead, min_cosine FROM last_absorption WHERE sae_id = $sae"
_DIGITS = 6


def _studied_thresholds(bench: Workbench) -> dict[str, float]:
    """The thresholds with which the current SAE was studied."""
    found = bench.store.fetch(_THRESHOLDS, sae=bench.attention.sae).dicts()
    if not found:
        raise CommandError("the absorption of this SAE has not been studied; run :study absorption first")
    return found[0]


class _Threshold(Command):
    """A threshold: a number, or a step up or down from the present value."""

    field: ClassVar[str]
    step: ClassVar[float]
    visits: ClassVar[bool] = False
    value: float | str

    @property
    def reads(self) -> bool:
        return self.value in ("up", "down")

    def resolved(self, bench: Workbench) -> Command:
        if self.value not in ("up", "down"):
            return self
        now = getattr(bench.attention, self.field)
        now = _studied_thresholds(bench)[self.field] if now is None else now
        stepped = now + (self.step if self.value == "up" else -self.step)
        least, most = BOUNDS[self.field]
        return build(type(self), {"value": round(min(most, max(least, stepped)), _DIGITS)})

    def run(self, bench: Workbench) -> None:
        if not isinstance(self.value, float):
            raise CommandError(f"{self.verb}: give a number, up or down, not {self.value!r}")
        least, most = BOUNDS[self.field]
        if not least <= self.value <= most:
            raise CommandError(f"{self.verb}: must be from {least:g} to {most:g}, not {self.value:g}")
        bench.attend(**{self.field: self.value})


@command("tau", "Change the F1 that a main latent must add", keys={"t": "down", "T": "up"})
class Tau(_Threshold):
    field: ClassVar[str] = "tau"
    step: ClassVar[float] = 0.01
    value: float | str = argument(help="e.g. 0.03; up or down", complete="step")


@command("lead", "Change the lead that the first effect must have", keys={"d": "down", "D": "up"})
class Lead(_Threshold):
    field: ClassVar[str] = "lead"
    step: ClassVar[float] = 0.1
    value: float | str = argument(help="logits, e.g. 1; up or down", complete="step")


@command("cosine", "Change the least cosine with the probe", keys={"v": "down", "V": "up"})
class Cosine(_Threshold):
    field: ClassVar[str] = "min_cosine"
    step: ClassVar[float] = 0.005
    value: float | str = argument(help="of absorber and probe, e.g. 0.025; up or down", complete="step")


@command("reset", "Return to the thresholds of the study", keys={"R": ""}, label="reset")
class Reset(Command):
    visits: ClassVar[bool] = False

    def run(self, bench: Workbench) -> None:
        bench.attend(tau=None, lead=None, min_cosine=None)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:  # noqa: ARG003
        return "" if has_other_thresholds(bench) else "the thresholds are those of the study"


def has_other_thresholds(bench: Workbench) -> bool:
    """Whether verdicts differ from those of the study."""
    attention = bench.attention
    return (attention.tau, attention.lead, attention.min_cosine) != (None, None, None)


@command(
    "metric",
    "Measure absorption by effects (paper) or by projection",
    keys={"u": ""},
    label="metric",
)
class Metric(Command):
    name: str = argument(default="", help="paper or projection; the other one if left out", complete=lambda _: METRICS)

    def resolved(self, bench: Workbench) -> Metric:
        if self.name:
            return self
        return Metric(METRICS[(METRICS.index(bench.attention.metric) + 1) % len(METRICS)])

    def run(self, bench: Workbench) -> None:
        if self.name not in METRICS:
            raise CommandError(f"metric: must be one of {', '.join(METRICS)}, not {self.name!r}")
        bench.attend(metric=self.name)


@command(
    "ablate",
    "Run the model again without each latent of the word",
    keys={"a": ""},
    label="ablate",
)
class Ablate(Command):
    token: str = argument(default="", help="a word; the one looked at if left out")
    sae: str = argument(default="", help="name of an SAE; the current one if left out", complete="sae")
    force: bool = argument(default=False, help="do it even if it was done before")

    def resolved(self, bench: Workbench) -> Ablate:
        token = self.token or bench.attention.token
        if token is None:
            raise CommandError("ablate: put the cursor on a word first")
        sae = self.sae or bench.attention.sae
        if sae is None:
            raise CommandError("ablate: choose an SAE first, e.g. :sae w2048-k4")
        if self.token:
            token = surface_of(bench, self.token)
            require_word(bench.store, token)
        return Ablate(token, sae=bench.catalogue.sae(sae).name, force=self.force)

    @property
    def reads(self) -> bool:
        return bool(self.token)

    def run(self, bench: Workbench) -> None:
        entry = bench.catalogue.sae(self.sae)

        def submit() -> str:
            from saetui.workbench.study_specs import ablation_spec

            spec = ablation_spec(bench.store, entry, self.token, bench.client.jobs())
            job = bench.client.submit(spec, force=self.force)
            if job.found_text:
                return f"{job.found_text}; :ablate force=true runs it again"
            return f"{job.title} is {job.state}; x cancels it"

        bench.in_background(submit)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.attention.token is not None else "put the cursor on a word first"
