"""Which tokens a person wants to pursue, by hardness, letter, mark or place, and with how many latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saetui.workbench.exceptions import CommandError, UsageError
from saetui.workbench.whole_numbers import whole_number
from store.queries import named_query

if TYPE_CHECKING:
    from saetui.workbench.catalogue import SaeEntry
    from store import Reader

COUNT = 200
# The ways to choose tokens, and what each chooses.
WAYS = {
    "hardest": "This many held-out tokens with the largest error.",
    "missed": "Only those words of a letter that its main latents miss.",
    "marked": "The tokens marked in the interface.",
    "random": f"This many tokens drawn at random; default: {COUNT}.",
    "letter": "The judged words of a letter.",
    "at": "A token as CONTEXT:POSITION.",
}
OWN = "own"
# So much of what was typed is repeated in a message.
_LONGEST = 100

Place = tuple[int, int]


@dataclass(frozen=True)
class TokenChoice:
    """Which tokens a person means: a way to choose them, and a number, a letter or places, as typed."""

    way: str
    of: str = ""

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise UsageError(f"tokens: must be one of {', '.join(WAYS)}, not {self.way!r}")
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
            f"the errors of {sae.name} have not been studied, so its hardest tokens are not known; "
            "run `saetui study errors` first"
        )
    return ChosenTokens(places=tuple((row["context"], row["position"]) for row in rows))


def _words(store: Reader, sae: SaeEntry, choice: TokenChoice) -> ChosenTokens:
    rows = _rows(store, "pursuit_words", sae=sae.sae_id, letter=choice.of, tau=None)
    words = tuple(row["surface"] for row in rows if row["is_missed"] or choice.way == "letter")
    if not rows:
        raise CommandError(
            f"no words of {choice.of} were judged for {sae.name}; run `saetui study letters` (A on screen 3) first"
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
        raise CommandError(f"l0: {l0} latents per token are more than the {sae.width:,} of {sae.name}")
    return l0


def source_of(store: Reader, sae: SaeEntry) -> dict[str, Any]:
    """What a pursuit in an SAE reads: a row of ``pursuit_source``."""
    (row,) = _rows(store, "pursuit_source", sae=sae.sae_id)
    return row
