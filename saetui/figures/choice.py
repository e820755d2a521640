"""What a person chooses for a figure: which SAEs, which hook point of which model, which letter, which word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from saetui.figures.exceptions import FigureError
from saetui.figures.lines import Row
from saetui.lookup import meant

if TYPE_CHECKING:
    from store import Reader


def option(default: Any, text: str, *, complete: str | None = None, within: tuple[int, int] | None = None) -> Any:
    """One part of a choice: its help, the source of its completions, and the bounds of a number."""
    return field(default=default, metadata={"help": text, "complete": complete, "within": within})


@dataclass(frozen=True, eq=False, repr=False)
class Asked:
    """A figure as a person asks for it, by the command line, after ``:`` and from a notebook alike.

    Options and arguments follow from these fields; a kind of figure names in ``takes`` those that mean something to it.
    ``further`` has what was given of the figure's own settings.
    """

    name: str = field(metadata={"help": "a figure, e.g. absorption_rate", "complete": "figure"})
    sae: tuple[str, ...] = option((), "only these SAEs, by name", complete="sae")
    hook: str = option("", "hook point; the one with most SAEs if left out", complete="hook")
    letter: str = option("", "one letter; all of them if left out", complete="letter")
    word: str = option("", "a word; the clearest case if left out")
    tau: float | None = option(None, "F1 that a main latent must add; as studied if left out")
    lead: float | None = option(None, "logits by which an absorber must lead; as studied if left out")
    min_cosine: float | None = option(None, "an absorber's least cosine with the probe; as studied if left out")
    context: int | None = option(
        None, "a context of the error study; the hardest token's if left out", within=(0, 2**31 - 1)
    )
    model: str = option("", "model of an error study, by name or id, where there are several")
    further: tuple[tuple[str, Any], ...] = field(default=(), kw_only=True)

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the options that were given."""
        return tuple(name for name in OPTIONS if getattr(self, name) not in ((), "", None))


# So many hook points of a model are named in a caption.
_NAMED = 3
# The names of all that can be chosen of figures in general.
OPTIONS = tuple(part.name for part in fields(Asked) if part.name not in ("name", "further"))


@dataclass(frozen=True)
class Choice:
    """What was asked for, looked up in a store: ``saes`` and ``model`` are ids.

    What is left out is all of them, or what the figure prefers, or the threshold of the run.
    """

    saes: tuple[str, ...] | None = None
    hook: str | None = None
    letter: str | None = None
    word: str | None = None
    tau: float | None = None
    lead: float | None = None
    min_cosine: float | None = None
    context: int | None = None
    model: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the figure's own settings every value."""


def make_choice(store: Reader, asked: Asked) -> Choice:
    """The choice as the figures take it: SAEs by name, id or the unique beginning of one, a model by name or id.

    Raises FigureError that lists the names there are.
    """
    letter, hook = asked.letter, asked.hook or None
    if letter and (len(letter) != 1 or letter.lower() not in ascii_lowercase):
        raise FigureError(f"letter: {letter!r} is not a letter from a to z")
    saes = store.fetch("saes").dicts() if asked.sae or asked.hook or asked.model else []
    if hook is not None and hook not in (hooks := sorted({str(row["hook_name"]) for row in saes})):
        raise FigureError(f"hook: no SAE reads {hook!r}; there are {', '.join(hooks) or 'none yet'}")
    return Choice(
        tuple(dict.fromkeys(_sae_id(saes, name) for name in asked.sae)) or None,
        hook,
        letter.lower() or None,
        asked.word or None,
        asked.tau,
        asked.lead,
        asked.min_cosine,
        asked.context,
        _model_id(saes, asked.model) if asked.model else None,
    )


def _model_id(saes: Sequence[Row], name: str) -> str:
    found = {str(row["model_id"]) for row in meant(name, saes, lambda row: (row["model_id"], row["model"]))}
    if len(found) == 1:
        return found.pop()
    there = ", ".join(sorted(found or {str(row["model"]) for row in saes})) or "none yet"
    raise FigureError(f"model: {name!r} can be {there}" if found else f"model: no SAE of {name!r}; there are {there}")


def _sae_id(saes: Sequence[Row], name: str) -> str:
    found = meant(name, saes, lambda row: (row["sae_id"], row["name"]))
    if len(found) == 1:
        return str(found[0]["sae_id"])
    names = ", ".join(str(row["name"]) for row in found or saes) or "none yet"
    raise FigureError(f"sae: {name!r} can be {names}" if found else f"sae: no SAE {name!r} here; there are {names}")


def at_one_site(rows: Sequence[Row], hook: str | None) -> tuple[list[Row], str]:
    """The rows of one model and hook point, by default those of which there are most, and words that say which.

    Differences between sites are not a trend with width or L0.
    """
    sites: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if hook in (None, row["hook_name"]):
            sites.setdefault((str(row["model"]), str(row["hook_name"])), []).append(row)
    if not sites:
        return [], ""
    (model, name), chosen = max(sites.items(), key=lambda item: len(item[1]))
    others = len(sites) - 1
    also = f", one of {others + 1} sites" if others else ""
    return chosen, f"{model}, {name}{also}"


def sites_of(rows: Sequence[Row]) -> str:
    """The models and hook points that rows are of, for a caption; empty where there are no rows."""
    hooks: dict[str, list[str]] = {}
    for row in rows:
        of_model = hooks.setdefault(str(row["model"]), [])
        if row["hook_name"] not in of_model:
            of_model.append(str(row["hook_name"]))
    return "; ".join(
        f"{model}, {', '.join(names) if len(names) <= _NAMED else f'{len(names)} hook points'}"
        for model, names in hooks.items()
    )
