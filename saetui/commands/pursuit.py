"""Commands of the pursuit screen: which tokens, how many latents, by which method; and earlier pursuits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from saetui.commands.command import Argument, Command, argument, command
from saetui.commands.job_command import JobCommand, fields_of, spec_arguments
from saetui.jobs.kinds.pursuit import METHODS
from saetui.lookup import meant
from saetui.workbench.exceptions import CommandError
from saetui.workbench.token_choice import COUNT, OWN, WAYS, TokenChoice, read_l0

if TYPE_CHECKING:
    from saetui.workbench.catalogue import SaeEntry
    from saetui.workbench.workbench import Workbench

SCREEN = "pursuit"
RUNS, TOKENS, LATENTS = (f"{SCREEN}.{part}" for part in ("runs", "tokens", "latents"))
# What the key cycles through; a letter's words and single places are typed.
_WAYS = ("hardest", "missed", "marked", "random")
_COUNTS = (20, 50, 100, 200, 500, 1000, 2000, 5000)
# Fields of the job that follow from the tokens, the SAE and its last study, or that the command has itself.
FILLED_IN = frozenset(
    {"model", "corpus", "corpus_id", "hook_name", "sae", "context_length", "max_tokens", "method", "l0", "chosen"}
    | {"places", "words", "random_tokens", "examples", "test_share", "leading_space", "latents_per_letter"}
    | {"max_k", "tau"}
)
# Numbers of latents per token that the key cycles through.
BUDGETS = (OWN, "1", "2", "4", "8", "16", "32", "64")
_TOKEN = """
SELECT surface, context, position FROM pursuit_token
WHERE row = $row
    AND pursuit_id = coalesce($pursuit, (SELECT arg_max(pursuit_id, created) FROM pursuit_run WHERE sae_id = $sae))
"""
_RUNS = "SELECT pursuit_id, sae_id FROM pursuit_run ORDER BY pursuit_id"


def _sae(bench: Workbench, name: str = "") -> SaeEntry:
    name = name or bench.attention.sae or ""
    if not name:
        raise CommandError("pursue: choose an SAE first, e.g. :sae w2048-k4")
    return bench.catalogue.sae(name)


def _choice(bench: Workbench, way: str, of: str) -> TokenChoice:
    """A choice with defaults filled in: the present choice, the letter that is looked at, the usual number."""
    if not way:
        return TokenChoice.read(bench.attention.pursue_tokens)
    if not of and way in ("missed", "letter"):
        if bench.attention.letter is None:
            raise CommandError(f"tokens {way}: give a letter, or look at one on screen 2 or 3")
        of = bench.attention.letter
    if not of and way in ("hardest", "random"):
        present = TokenChoice.read(bench.attention.pursue_tokens).of
        of = present if present.isdecimal() else str(COUNT)
    return TokenChoice(way, of)


@command(
    "pursue",
    "Find the codes of the chosen tokens again, by pursuit",
    keys={"p": ""},
    label="pursue",
)
class Pursue(JobCommand):
    way: str = argument(default="", help="hardest, missed, marked, random, letter or at", complete=lambda _: [*WAYS])
    of: str = argument(default="", help="how many, a letter, or CONTEXT:POSITION,…")
    l0: str = argument(default="", help="latents of each token, or own", complete=lambda _: BUDGETS)
    method: str = argument(default="", help="as :method takes it", complete=lambda _: METHODS)
    sae: str = argument(default="", help="name of an SAE; the current one if left out", complete="sae")

    @classmethod
    def options(cls, given: Mapping[str, Any]) -> tuple[Argument, ...]:  # noqa: ARG003
        return spec_arguments("pursuit", FILLED_IN)

    def resolved(self, bench: Workbench) -> Pursue:
        entry, attention = _sae(bench, self.sae), bench.attention
        choice = _choice(bench, self.way, self.of)
        l0, method = self.l0 or attention.pursue_l0, self.method or attention.pursue_method
        read_l0(l0, entry)
        _check_method(method)
        return Pursue(choice.way, of=choice.of, l0=l0, method=method, sae=entry.name, further=self.further)

    def run(self, bench: Workbench) -> None:
        entry, choice = _sae(bench, self.sae), TokenChoice(self.way, self.of)
        # The latest pursuit of the SAE is shown, which will be this one.
        bench.attend(
            model=entry.model_id,
            hook=entry.hook_name,
            sae=entry.sae_id,
            pursuit=None,
            pursued=None,
            pursue_tokens=str(choice),
            pursue_l0=self.l0,
            pursue_method=self.method,
        )
        bench.show(SCREEN)

        def submit() -> str:
            from saetui.workbench.study_specs import pursuit_spec

            given = fields_of("pursuit", self.further)
            spec = pursuit_spec(bench.store, entry, choice, self.l0, self.method, bench.client.jobs(), given)
            # One that was done before is run again: it replaces itself, and becomes the latest.
            job = bench.client.submit(spec, force=True)
            return f"{job.title} is {job.state}; x cancels it"

        bench.in_background(submit)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.attention.sae is not None else "choose an SAE first, e.g. :sae w2048-k4"


@command(
    "choose",
    "Choose other tokens for the pursuit",
    keys={"W": "", "plus": "more", "minus": "fewer"},
    label="tokens",
)
class Choose(Command):
    visits = False
    way: str = argument(
        default="", help="hardest, missed, marked, random, letter or at; more, fewer", complete=lambda _: [*WAYS]
    )
    of: str = argument(default="", help="how many, a letter, or CONTEXT:POSITION,…")

    def resolved(self, bench: Workbench) -> Choose:
        present = TokenChoice.read(bench.attention.pursue_tokens)
        if self.way in ("more", "fewer"):
            if not present.of.isdecimal():
                raise CommandError(f"choose {self.way}: {present.in_words} are a fixed number")
            choice = TokenChoice(present.way, _stepped(int(present.of), self.way))
        elif self.way:
            choice = _choice(bench, self.way, self.of)
        else:
            ways = [way for way in _WAYS if way != "missed" or bench.attention.letter is not None]
            at = ways.index(present.way) + 1 if present.way in ways else 0
            choice = _choice(bench, ways[at % len(ways)], "")
        return Choose(choice.way, of=choice.of)

    def run(self, bench: Workbench) -> None:
        bench.attend(pursue_tokens=str(TokenChoice(self.way, self.of)))


def _stepped(count: int, direction: str) -> str:
    """The next round number of tokens."""
    if direction == "more":
        return str(next((n for n in _COUNTS if n > count), count))
    return str(next((n for n in reversed(_COUNTS) if n < count), count))


@command("budget", "Choose how many latents each token may have", keys={"b": ""}, label="L0")
class Budget(Command):
    visits = False
    l0: str = argument(
        default="", help="own (as many as the SAE used) or a number; the next if left out", complete=lambda _: BUDGETS
    )

    def resolved(self, bench: Workbench) -> Budget:
        if self.l0:
            return self
        entry, now = _sae(bench), bench.attention.pursue_l0
        fitting = [b for b in BUDGETS if b == OWN or int(b) <= entry.width]
        return Budget(fitting[(fitting.index(now) + 1) % len(fitting)] if now in fitting else OWN)

    def run(self, bench: Workbench) -> None:
        read_l0(self.l0, _sae(bench))
        bench.attend(pursue_l0=self.l0)


@command("method", "Choose the method of the pursuit", keys={"P": ""}, label="method")
class ChooseMethod(Command):
    visits = False
    name: str = argument(
        default="",
        help="persistent, dark_matter (as published), orthogonal, polish or nnls; the next if left out",
        complete=lambda _: METHODS,
    )

    def resolved(self, bench: Workbench) -> ChooseMethod:
        if self.name:
            return self
        return ChooseMethod(METHODS[(METHODS.index(bench.attention.pursue_method) + 1) % len(METHODS)])

    def run(self, bench: Workbench) -> None:
        _check_method(self.name)
        bench.attend(pursue_method=self.name)


def _check_method(name: str) -> None:
    if name not in METHODS:
        raise CommandError(f"method: must be one of {', '.join(METHODS)}, not {name!r}")


@command("pursuit", "Look at an earlier pursuit")
class LookAtPursuit(Command):
    pursuit: str = argument(help="its id, or the beginning of it")

    @property
    def reads(self) -> bool:
        return True

    def run(self, bench: Workbench) -> None:
        pursuit, sae = find_run(bench, self.pursuit)
        entry = bench.catalogue.sae(sae)
        bench.attend(model=entry.model_id, hook=entry.hook_name, sae=sae, pursuit=pursuit)


@command("pursued", "Look at one token of the pursuit")
class LookAtPursued(Command):
    visits = False
    row: int = argument(help="its number, in the order in which the tokens were named, from 0")

    @property
    def reads(self) -> bool:
        return True

    def run(self, bench: Workbench) -> None:
        attention = bench.attention
        found = bench.store.fetch(_TOKEN, row=self.row, pursuit=attention.pursuit, sae=attention.sae).rows
        if not found:
            raise CommandError(f"pursued: this pursuit has no token {self.row}")
        token, context, position = found[0]
        bench.attend(pursued=self.row, token=token, context=context, position=position)


@command(
    "beside",
    "Compare with this pursuit, or stop comparing",
    keys={"equals_sign": ""},
    label="beside",
)
class Beside(Command):
    visits = False
    pursuit: str = argument(default="", help="its id; the one under the cursor if left out")

    @property
    def reads(self) -> bool:
        return True

    def resolved(self, bench: Workbench) -> Beside:
        row = bench.tables[RUNS].row
        pursuit = self.pursuit or (str(row["pursuit_id"]) if row is not None else "")
        if not pursuit:
            raise CommandError("beside: put the cursor on a pursuit, or name one")
        return Beside(find_run(bench, pursuit)[0])

    def run(self, bench: Workbench) -> None:
        bench.attend(beside=None if bench.attention.beside == self.pursuit else self.pursuit)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.tables[RUNS].row is not None else "put the cursor on a pursuit, or name one"


def find_run(bench: Workbench, name: str) -> tuple[str, str]:
    """``(pursuit_id, sae_id)`` of a pursuit by its id or the unique beginning of it."""
    found: list[tuple[str, str]] = meant(name, bench.store.fetch(_RUNS).rows, lambda run: run[:1])
    if len(found) != 1:
        known = ", ".join(pursuit for pursuit, _ in found)
        raise CommandError(f"{name!r} can be {known}" if found else f"no pursuit {name!r} here; p starts one")
    return found[0]
