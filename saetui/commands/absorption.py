"""Commands of the absorption screen: metric, thresholds, which words, and the jobs behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from saetui.commands.arguments import build
from saetui.commands.command import Command, argument, command
from saetui.commands.navigate import Focus, Open
from saetui.commands.study import Study
from saetui.commands.table import Filter
from saetui.workbench.attention import METRICS, Place
from saetui.workbench.exceptions import CommandError
from saetui.workbench.links import link_of

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

SCREEN = "absorption"
LETTERS, CASES, EVIDENCE, OCCURRENCES, MAP = (
    f"{SCREEN}.{part}" for part in ("letters", "cases", "evidence", "occurrences", "map")
)
# Which words are shown, by the name a person gives it, with the filter that keeps them.
SHOWN = {"all": "", "absorbed": "verdict = absorbed", "missed": "main_activation < 1e-8"}
_THRESHOLDS = "SELECT tau, lead, min_cosine FROM last_absorption WHERE sae_id = $sae"
_DIGITS = 6


def shown_words(bench: Workbench) -> str | None:
    """Which words are shown, as in ``SHOWN``; None where a filter of another kind holds."""
    text = bench.tables[CASES].filter
    return next((name for name, filtered in SHOWN.items() if filtered == text), None)


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
    least: ClassVar[float] = 0.0
    most: ClassVar[float] = 1.0
    visits: ClassVar[bool] = False
    value: float | str

    def resolved(self, bench: Workbench) -> Command:
        if self.value not in ("up", "down"):
            return self
        now = getattr(bench.attention, self.field)
        now = _studied_thresholds(bench)[self.field] if now is None else now
        stepped = now + (self.step if self.value == "up" else -self.step)
        return build(type(self), {"value": round(min(self.most, max(self.least, stepped)), _DIGITS)})

    def run(self, bench: Workbench) -> None:
        if not isinstance(self.value, float):
            raise CommandError(f"{self.verb}: give a number, up or down, not {self.value!r}")
        if not self.least <= self.value <= self.most:
            raise CommandError(f"{self.verb}: must be from {self.least:g} to {self.most:g}, not {self.value:g}")
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
    most: ClassVar[float] = 100.0
    value: float | str = argument(help="logits, e.g. 1; up or down", complete="step")


@command("cosine", "Change the least cosine with the probe", keys={"v": "down", "V": "up"})
class Cosine(_Threshold):
    field: ClassVar[str] = "min_cosine"
    step: ClassVar[float] = 0.005
    least: ClassVar[float] = -1.0
    value: float | str = argument(help="of absorber and probe, e.g. 0.025; up or down", complete="step")


@command("reset", "Return to the thresholds of the study", keys={"r": ""}, label="reset")
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
    keys={"p": ""},
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
    "cases",
    "Show all words of the letter, the absorbed, or those missed",
    keys={"w": ""},
    label="words",
)
class Cases(Command):
    which: str = argument(
        default="", help="all, absorbed or missed; the next of them if left out", complete=lambda _: SHOWN
    )

    def resolved(self, bench: Workbench) -> Command:
        names = list(SHOWN)
        which = self.which
        if not which:
            shown = shown_words(bench)
            which = names[(names.index(shown) + 1) % len(names)] if shown is not None else names[0]
        if which not in SHOWN:
            raise CommandError(f"cases: must be one of {', '.join(names)}, not {which!r}")
        return Filter(SHOWN[which], table=CASES)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:  # noqa: ARG003
        return "the words are not shown; M shows them" if bench.page else ""


@command(
    "absorber",
    "Go to the absorbing latent, on the screen of letters",
    keys={"o": ""},
    label="absorber",
)
class Absorber(Command):
    def resolved(self, bench: Workbench) -> Command:
        latent = _looked_at(bench)
        if latent is None:
            raise CommandError(f"absorber: {self.obstacle(bench)}")
        attention = bench.attention.with_changes(latent=latent)
        return Open(link_of(Place("letters", attention), bench.catalogue))

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:  # noqa: ARG003
        here = _looked_at(bench) is not None
        return "" if here else "put the cursor on a word that a latent took over, or on a latent"


def _looked_at(bench: Workbench) -> int | None:
    """The latent under the cursor of the evidence, or else the one that took the word over."""
    if bench.focus == EVIDENCE and bench.row is not None:
        return int(bench.row["latent"])
    case = bench.tables[CASES].row
    latent = case.get("absorber") if case is not None else None
    return None if latent is None else int(latent)


@command("map", "Show every letter in every SAE in view, or the words again", keys={"M": ""}, label="map")
class Map(Command):
    def resolved(self, bench: Workbench) -> Focus:
        return Focus(LETTERS if bench.focus == MAP else MAP)


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
        return Ablate(token, sae=bench.catalogue.sae(sae).name, force=self.force)

    def run(self, bench: Workbench) -> None:
        entry = bench.catalogue.sae(self.sae)

        def submit() -> str:
            from saetui.workbench.study_specs import ablation_spec

            spec = ablation_spec(bench.store, entry, self.token, bench.client.jobs())
            job = bench.client.submit(spec, force=self.force)
            if job.found_text:
                return f"{job.found_text}; :ablate force=true runs it again"
            return f"{job.title} is {job.state}"

        bench.in_background(submit)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.attention.token is not None else "put the cursor on a word first"


@command("measure", "Study the absorption of the SAEs in view", keys={"A": ""}, label="study")
class Measure(Command):
    def resolved(self, bench: Workbench) -> Study:  # noqa: ARG002
        return Study("absorption")

    @classmethod
    def available(cls, bench: Workbench) -> bool:
        entry = bench.catalogue.entry(bench.attention.sae)
        return super().available(bench) and entry is not None and not entry.is_studied
