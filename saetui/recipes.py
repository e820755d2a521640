"""How an SAE was trained, as the store keeps it: what decided its weights beside its width and its k."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class TrainedBy:
    """The recipe of one SAE; None in a field asks for the default that the training documents.

    ``tokens`` counts those trained on, ``max_tokens`` those that were harvested. ``lr`` None is the default learning
    rate of the architecture, or by width; ``dead_tokens`` is how long a latent is silent until it counts as dead.
    """

    architecture: str
    corpus: str
    tokens: int
    batch_size: int
    context_length: int
    max_tokens: int | None
    dtype: str
    lr: float | None
    auxk: int | None
    dead_tokens: int | None
    settings: tuple[tuple[str, float], ...]
    seed: int

    @classmethod
    def read(cls, text: str | None) -> TrainedBy | None:
        """The recipe in the store's text; None where it is not known, or nothing that this version can read."""
        if text is None:
            return None
        try:
            found = json.loads(text)
            settings = tuple(sorted((found.pop("settings", None) or {}).items()))
            return cls(
                **{field.name: found[field.name] for field in fields(cls) if field.name != "settings"},
                settings=settings,
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    @property
    def text(self) -> str:
        """As the store keeps it."""
        return json.dumps(asdict(self) | {"settings": dict(self.settings)})

    @property
    def in_common(self) -> TrainedBy:
        """What SAEs of one recipe have in common: all but the seed, and the learning rate, which goes by width."""
        return replace(self, lr=None, seed=0)


def recipe_groups(saes: Sequence[tuple[TrainedBy | None, int]]) -> list[int | None]:
    """Which SAEs, given by recipe and width, are of one recipe: a number from 0 for each; None where it is not known.

    A learning rate that goes by width belongs to a recipe; where SAEs of a width have several, each is another recipe.
    """
    rates: dict[TrainedBy, dict[int, set[float | None]]] = {}
    for recipe, width in saes:
        if recipe is not None:
            rates.setdefault(recipe.in_common, {}).setdefault(width, set()).add(recipe.lr)
    keys: list[Hashable] = []
    for recipe, _ in saes:
        several = recipe is not None and any(len(lrs) > 1 for lrs in rates[recipe.in_common].values())
        keys.append(None if recipe is None else (recipe.in_common, recipe.lr if several else None))
    numbers: dict[Hashable, int] = {}
    return [None if key is None else numbers.setdefault(key, len(numbers)) for key in keys]


def differing(recipes: Iterable[TrainedBy | None]) -> str:
    """In what some recipes differ, in words, with the values of each; empty where they do not, as far as is known."""
    there = list(recipes)
    known = [recipe for recipe in there if recipe is not None]
    found = {field.name: dict.fromkeys(getattr(recipe, field.name) for recipe in known) for field in fields(TrainedBy)}
    several = [name for name, values in found.items() if len(values) > 1 and name != "seed"]
    # A learning rate can go by width.
    apart = [name for name in several if name != "lr"] or several
    told = [" and ".join(written(name, value) for value in found[name]) for name in apart]
    if known and len(known) < len(there):
        told.append("some of a recipe that is not known")
    return ", ".join(told)


def rate_at(width: int, known: Iterable[tuple[int, float | None]]) -> float | None:
    """The learning rate of a recipe at a width, from those of its SAEs, ``(width, rate)``; None is the default rate.

    Between two widths it is interpolated on logarithms; beyond the widest it falls with the square root of the width
    (2406.04093), and below the narrowest it stays.
    """
    rates = dict(sorted(known))
    if not rates or None in rates.values():
        return rates.get(width)
    placed = [(w, rate) for w, rate in rates.items() if rate is not None]
    below = [pair for pair in placed if pair[0] <= width]
    above = [pair for pair in placed if pair[0] >= width]
    if not below:
        return above[0][1]
    (low, at_low) = below[-1]
    if not above:
        return _rounded(at_low * math.sqrt(low / width))
    (high, at_high) = above[0]
    if high == low:
        return at_low
    share = math.log(width / low) / math.log(high / low)
    return _rounded(at_low * (at_high / at_low) ** share)


def _rounded(rate: float) -> float:
    return float(f"{rate:.6g}")


# What the fields are called where they are compared, and how they are written.
_NAMES = {
    "architecture": "architecture",
    "corpus": "text",
    "tokens": "tokens",
    "batch_size": "batch",
    "context_length": "context",
    "max_tokens": "tokens harvested",
    "dtype": "number format",
    "lr": "learning rate",
    "auxk": "AuxK",
    "dead_tokens": "dead after",
    "settings": "settings",
    "seed": "seed",
}


def written(name: str, value: Any) -> str:
    """A field of a recipe, in words."""
    if name == "settings":
        return ", ".join(f"{setting} {number:g}" for setting, number in value) or "default settings"
    if value is None:
        said = {"max_tokens": "all", "lr": "default, by width"}.get(name, "default")
    else:
        said = (
            f"{value:,}" if isinstance(value, int) and name != "seed" else f"{value:g}" if name == "lr" else str(value)
        )
    return f"{said} tokens" if name == "tokens" else f"{_NAMES[name]} {said}"


def differences(one: TrainedBy, other: TrainedBy) -> list[str]:
    """What differs in ``one``, in words that name the value of the ``other``."""
    found = []
    for field in fields(TrainedBy):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if mine != theirs:
            found.append(f"{written(field.name, mine)} instead of {written(field.name, theirs)}")
    return found
