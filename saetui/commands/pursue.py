"""Pursuits: which tokens a person means, the job that pursues them, and what came out beside the paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saetui.commands.errors import CommandError, UsageError
from saetui.commands.printing import put
from saetui.commands.take_in import take_in
from saetui.commands.text_table import new_table, print_table
from saetui.commands.whole_numbers import whole_number
from store import Store
from store.queries import named_query

if TYPE_CHECKING:
    from saetui.commands.catalogue import SaeEntry
    from store import Reader

WAYS = ("hardest", "missed", "marked", "random", "letter", "at")
METHODS = ("persistent", "dark_matter", "orthogonal", "polish", "nnls")
OWN = "own"
# So much of what was typed is repeated in a message.
_LONGEST = 100
COUNT = 200
# What 2410.14670 reports of a pursuit at each token's own L0.
PAPER_FVU = "−3 to −5%"
PAPER_NONLINEAR = "falls slightly"

Place = tuple[int, int]


@dataclass(frozen=True)
class TokenChoice:
    """Which tokens a person means: a way to choose them, and a number, a letter or places, as typed."""

    way: str
    of: str = ""

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise UsageError(f"tokens: {self.way!r} is none of {', '.join(WAYS)}")
        if self.way in ("hardest", "random"):
            self._require(bool(whole_number(self.of)), "how many tokens, e.g. 200")
        elif self.way in ("missed", "letter"):
            self._require(len(self.of) == 1 and "a" <= self.of <= "z", "a letter, a to z")
        elif self.way == "at":
            self._require(bool(self.of), "places as CONTEXT:POSITION, e.g. 12:30,14:7")
            _ = self.places

    def _require(self, fits: bool, what: str) -> None:
        if not fits:
            raise UsageError(f"tokens {self.way}: give {what}, not {self.of[:_LONGEST]!r}")

    @classmethod
    def read(cls, text: str) -> TokenChoice:
        """The choice that ``str`` gives as text."""
        way, _, of = text.strip().partition(" ")
        return cls(way, of.strip())

    def __str__(self) -> str:
        return f"{self.way} {self.of}".strip()

    @property
    def in_words(self) -> str:
        """As a person would say it."""
        if self.way == "at":
            return f"{len(self.places)} tokens" if len(self.places) > 1 else f"token {self.of}"
        said = {"missed": "missed words of", "letter": "words of", "marked": "marked tokens"}
        return f"{said.get(self.way, self.way)} {self.of}".strip()

    @property
    def places(self) -> list[Place]:
        """The places of "at"."""
        found = []
        for text in self.of.replace(",", " ").split():
            context, colon, position = text.partition(":")
            place = whole_number(context), whole_number(position)
            if not colon or place[0] is None or place[1] is None:
                raise UsageError(f"place: {text[:_LONGEST]!r} is not CONTEXT:POSITION, e.g. 12:30")
            found.append((place[0], place[1]))
        return found


@dataclass(frozen=True)
class ChosenTokens:
    """Tokens by place and words by surface; or so many to be drawn at random."""

    places: tuple[Place, ...] = ()
    words: tuple[str, ...] = ()
    random_tokens: int = 0


def find_tokens(store: Reader, sae: SaeEntry, choice: TokenChoice) -> ChosenTokens:
    """The tokens of a choice as the store knows them; raises CommandError where there are none."""
    if choice.way == "random":
        return ChosenTokens(random_tokens=int(choice.of))
    if choice.way == "at":
        return ChosenTokens(places=tuple(choice.places))
    if choice.way == "hardest":
        return _hardest(store, sae, int(choice.of))
    if choice.way == "marked":
        return _marked(store, sae)
    return _words(store, sae, choice)


def _rows(store: Reader, query: str, **parameters: Any) -> list[dict[str, Any]]:
    return store.fetch(named_query(query), **parameters).dicts()


def _hardest(store: Reader, sae: SaeEntry, count: int) -> ChosenTokens:
    rows = _rows(store, "pursuit_hardest", sae=sae.sae_id, study=None, limit=count)
    if not rows:
        raise CommandError(
            f"the errors of {sae.name} have not been studied, so nobody knows its hardest tokens; "
            "`saetui study errors` does it"
        )
    return ChosenTokens(places=tuple((row["context"], row["position"]) for row in rows))


def _words(store: Reader, sae: SaeEntry, choice: TokenChoice) -> ChosenTokens:
    rows = _rows(store, "pursuit_words", sae=sae.sae_id, letter=choice.of, tau=None)
    words = tuple(row["surface"] for row in rows if row["is_missed"] or choice.way == "letter")
    if not rows:
        raise CommandError(
            f"no words of {choice.of} were judged for {sae.name}; `saetui study letters` (A on screen 3) does it"
        )
    if not words:
        raise CommandError(f"the main latents of {choice.of} in {sae.name} miss none of its {len(rows)} words")
    return ChosenTokens(words=words)


def _marked(store: Reader, sae: SaeEntry) -> ChosenTokens:
    rows = _rows(store, "pursuit_marked", sae=sae.sae_id)
    words = tuple(row["surface"] for row in rows if row["is_word"])
    places = tuple((row["context"], row["position"]) for row in rows if row["context"] is not None)
    if not (words or places):
        found = f"{len(rows)} marked tokens, none of them a word or in an error study" if rows else "no marked tokens"
        raise CommandError(f"there are {found}; m marks the token under the cursor")
    return ChosenTokens(places, words)


def read_l0(text: str, sae: SaeEntry) -> int | None:
    """The latents of each token that ``own`` (None) or a number asks for."""
    if text == OWN:
        return None
    l0 = whole_number(text)
    if not l0:
        raise UsageError(f"l0: {text[:_LONGEST]!r} is neither {OWN} nor a number of latents, 1 or more")
    if l0 > sae.width:
        raise CommandError(f"l0: {l0} latents a token are more than the {sae.width:,} of {sae.name}")
    return l0


def source_of(store: Reader, sae: SaeEntry) -> dict[str, Any]:
    """What a pursuit in an SAE reads: a row of ``pursuit_source``."""
    (row,) = _rows(store, "pursuit_source", sae=sae.sae_id)
    return row


def pursue(
    store_root: Path, sae: str | None, choice: TokenChoice, l0: str, method: str, device: str | None, *, force: bool
) -> int:
    """Pursue without the interface, wait for it, and print what came out."""
    from saetui.commands.catalogue import Catalogue
    from saetui.commands.headless import follow_jobs
    from saetui.commands.study_specs import pursuit_spec
    from saetui.jobs import JobClient

    client = JobClient(store_root)
    with Store.open(store_root) as store:
        take_in(store)
        catalogue = Catalogue.read(store)
        if sae is None and not catalogue.saes:
            raise CommandError(f"{store_root} has no SAE yet; `saetui demo` makes some")
        entry = catalogue.sae(sae) if sae is not None else catalogue.saes[-1]
        spec = pursuit_spec(store, entry, choice, l0, method, client.jobs())
    job = client.submit(spec, device, force=force)
    code = follow_jobs(store_root, [job], again="--force")
    if code:
        return code
    # A job that was done before made an earlier pursuit than the latest.
    progress = client.job(job.id).progress
    made = progress.metrics.get("pursuit") if progress is not None else None
    return print_pursuits(store_root, sae_name=entry.name, pursuit_id=None if made is None else str(made))


def print_pursuits(store_root: Path, *, sae_name: str | None = None, pursuit_id: str | None = None) -> int:
    """A pursuit (the latest, of one SAE or of any) beside the paper's figures; and all others."""
    with Store.open(store_root) as store:
        take_in(store)
        rows = [row for row in _rows(store, "pursuit_runs") if sae_name in (None, row["sae"])]
    if not rows:
        raise CommandError(f"no pursuit yet in {store_root}; `saetui pursue --random 200` makes one")
    chosen = next((row for row in rows if row["pursuit_id"] == pursuit_id), rows[0])
    table = new_table(f"{chosen['chosen']} in {chosen['sae']}", "before", "after", "change", "2410.14670, own L0")
    for line in comparison(chosen):
        table.add_row(*line)
    code = print_table(table, "")
    if len(rows) > 1:
        put()
        earlier = new_table("pursuit", "SAE", "method", "L0", "tokens", "FVU", "change", "nonlinear", "change")
        for row in rows:
            earlier.add_row(
                row["chosen"],
                row["sae"],
                row["method"],
                row["l0_rule"],
                f"{row['n_tokens']:,}",
                _between(row["fvu_before"], row["fvu_after"]),
                signed_percent(row["fvu_change"]),
                _between(row["fvu_nonlinear_before"], row["fvu_nonlinear_after"]),
                signed_percent(row["nonlinear_change"]),
            )
        print_table(earlier, "")
    return code


def comparison(run: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """A pursuit's figures in lines: name, before, after, change, and what the paper says of the change."""
    return [
        ("FVU", _share(run["fvu_before"]), _share(run["fvu_after"]), signed_percent(run["fvu_change"]), PAPER_FVU),
        (
            "FVU, nonlinear part",
            _share(run["fvu_nonlinear_before"]),
            _share(run["fvu_nonlinear_after"]),
            signed_percent(run["nonlinear_change"]),
            PAPER_NONLINEAR,
        ),
        ("L0", f"{run['l0_before']:.2f}", f"{run['l0_after']:.2f}", _l0_change(run), "the same"),
    ]


def _l0_change(run: dict[str, Any]) -> str:
    return signed_percent(run["l0_after"] / run["l0_before"] - 1 if run["l0_before"] else None)


def _between(before: float | None, after: float | None) -> str:
    return f"{_share(before)} → {_share(after)}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def signed_percent(change: float | None) -> str:
    """A relative change, e.g. ``−3.2%``."""
    return "–" if change is None else f"{change:+.1%}".replace("-", "−")
