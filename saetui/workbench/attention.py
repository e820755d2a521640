"""What a person is looking at: one cursor of attention that all screens share, and the way back through it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

HISTORY_LENGTH = 200
METRICS = ("paper", "projection")
ORDERS = ("hard", "solved", "worse", "nonlinear", "damage")
UNITS = ("norm", "share", "fvu")
# What thresholds of absorption can be: F1, logits, a cosine.
BOUNDS = {"tau": (0.0, 1.0), "lead": (0.0, 100.0), "min_cosine": (-1.0, 1.0)}
# What is chosen from among several, and not set, as an order or a threshold is.
CHOICES = frozenset({"sae", "letter", "latent", "token", "job", "pursuit", "pursued"})


@dataclass(frozen=True)
class Attention:
    """The model, the site, and the current SAE, letter, latent, token and job; ids as in the store.

    ``metric`` is the measure of absorption, one of ``METRICS``; thresholds that are None are those of the study.
    ``context`` and ``position`` are where the token stands in the text. ``order``, one of ``ORDERS``, is what makes a
    token hard, and ``unit``, one of ``UNITS``, that of its errors. ``pursuit`` is the one that is looked at (None: the
    latest of the SAE), ``beside`` the one held beside it, ``pursued`` a token's row in it;
    ``pursue_tokens``, ``pursue_l0`` and ``pursue_method`` are for the next one.
    """

    model: str | None = None
    hook: str | None = None
    sae: str | None = None
    in_view: tuple[str, ...] = ()
    letter: str | None = None
    latent: int | None = None
    token: str | None = None
    job: str | None = None
    metric: str = METRICS[0]
    tau: float | None = None
    lead: float | None = None
    min_cosine: float | None = None
    context: int | None = None
    position: int | None = None
    order: str = ORDERS[0]
    unit: str = UNITS[0]
    pursuit: str | None = None
    beside: str | None = None
    pursued: int | None = None
    pursue_tokens: str = "hardest 200"
    pursue_l0: str = "own"
    pursue_method: str = "persistent"

    def with_changes(self, **changes: Any) -> "Attention":
        """A copy with some parts changed.

        Another SAE drops the latent, whose number means nothing there, another letter drops a word without it, and
        another token drops the previous one's place.
        """
        if "sae" in changes and changes["sae"] != self.sae:
            changes.setdefault("latent", None)
            changes.setdefault("pursuit", None)
        if changes.get("pursuit", self.pursuit) != self.pursuit:
            changes.setdefault("pursued", None)
        letter = changes.get("letter", self.letter)
        if letter != self.letter and letter != (self.token or "").strip()[:1].lower():
            changes.setdefault("token", None)
        if changes.get("token", self.token) != self.token:
            changes.setdefault("context", None)
            changes.setdefault("position", None)
        return replace(self, **changes)


class Looking:
    """What is ``chosen``, for all screens, and what the cursors of each screen look at instead.

    Moving a cursor is looking: it changes what its own screen shows. Choosing takes what that screen looks at along to
    all of them.
    """

    def __init__(self) -> None:
        self.chosen = Attention()
        self._instead: dict[str, Mapping[str, Any]] = {}

    def on(self, screen: str) -> Attention:
        """What a screen is about."""
        return replace(self.chosen, **self._instead.get(screen, {}))

    def look(self, screen: str, **changes: Any) -> None:
        """Look at something on one screen; what is chosen stays."""
        self._set(screen, self.on(screen).with_changes(**changes))

    def choose(self, screen: str, **changes: Any) -> None:
        """Choose something for all screens, and what that screen looks at with it; or change a setting alone."""
        if changes.keys() & CHOICES:
            self.chosen, self._instead = self.on(screen).with_changes(**changes), {}
            return
        self.chosen = self.chosen.with_changes(**changes)
        self._instead = {
            name: {part: value for part, value in instead.items() if part not in changes}
            for name, instead in self._instead.items()
        }

    def restore(self, place: "Place") -> None:
        """Look at what was looked at, and chosen, when a place was left."""
        self.chosen, self._instead = place.chosen or place.attention, {}
        self._set(place.screen, place.attention)

    def _set(self, screen: str, attention: Attention) -> None:
        pairs = ((part.name, getattr(attention, part.name)) for part in fields(attention))
        self._instead[screen] = {name: value for name, value in pairs if value != getattr(self.chosen, name)}


@dataclass(frozen=True)
class Place:
    """A screen and what was looked at on it, one step of the history; ``chosen`` was for all screens by then."""

    screen: str
    attention: Attention
    chosen: Attention | None = field(default=None, compare=False)


@dataclass
class History:
    """Places walked through, like a browser's: going somewhere new forgets what lay ahead."""

    places: list[Place] = field(default_factory=list)
    index: int = -1

    @property
    def current(self) -> Place | None:
        return self.places[self.index] if self.places else None

    def visit(self, place: Place, *, replace_current: bool = False) -> None:
        """Add a place; with ``replace_current`` it takes the seat of the current one (moving a cursor is no step)."""
        if self.places and (replace_current or place == self.current):
            self.places[self.index] = place
            return
        self.places = [*self.places[: self.index + 1], place][-HISTORY_LENGTH:]
        self.index = len(self.places) - 1

    def step(self, by: int) -> Place | None:
        """The place ``by`` steps on (negative: back), made current; None at either end."""
        target = self.index + by
        if not 0 <= target < len(self.places):
            return None
        self.index = target
        return self.places[target]
