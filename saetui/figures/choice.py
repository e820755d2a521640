"""What a person chooses of a figure: which SAEs, which hook point of which model, which letter, which word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import TYPE_CHECKING

from saetui.figures.exceptions import FigureError
from saetui.figures.lines import Row

if TYPE_CHECKING:
    from store import Reader


@dataclass(frozen=True)
class Choice:
    """``saes`` and ``model`` are ids.

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


def make_choice(
    store: Reader,
    *,
    sae: str | Iterable[str] | None = None,
    hook: str | None = None,
    letter: str | None = None,
    word: str | None = None,
    tau: float | None = None,
    lead: float | None = None,
    min_cosine: float | None = None,
    context: int | None = None,
    model: str | None = None,
) -> Choice:
    """The choice as the figures take it: SAEs by name, id or the unique beginning of one, a model by name or id.

    Raises FigureError that lists the names there are.
    """
    if letter is not None and (len(letter) != 1 or letter.lower() not in ascii_lowercase):
        raise FigureError(f"letter: {letter!r} is not a letter from a to z")
    names = [sae] if isinstance(sae, str) else list(sae or ())
    saes = store.fetch("saes").dicts() if names or hook is not None or model is not None else []
    if hook is not None and hook not in (hooks := sorted({str(row["hook_name"]) for row in saes})):
        raise FigureError(f"hook: no SAE reads {hook!r}; there are {', '.join(hooks) or 'none yet'}")
    ids = tuple(dict.fromkeys(_sae_id(saes, name) for name in names)) or None
    small = letter.lower() if letter is not None else None
    model_id = None if model is None else _model_id(saes, model)
    return Choice(ids, hook, small, word, tau, lead, min_cosine, context, model_id)


def _model_id(saes: Sequence[Row], name: str) -> str:
    found = {str(row["model_id"]) for row in saes if name in (row["model_id"], row["model"])}
    if len(found) == 1:
        return found.pop()
    there = ", ".join(sorted(found or {str(row["model"]) for row in saes})) or "none yet"
    raise FigureError(f"model: {name!r} can be {there}" if found else f"model: no SAE of {name!r}; there are {there}")


def _sae_id(saes: Sequence[Row], name: str) -> str:
    exact = [row for row in saes if name in (row["sae_id"], row["name"])]
    found = exact or [row for row in saes if row["name"].startswith(name) or row["sae_id"].startswith(name)]
    if len(found) == 1:
        return str(found[0]["sae_id"])
    names = ", ".join(str(row["name"]) for row in found or saes) or "none yet"
    raise FigureError(f"sae: {name!r} can be {names}" if found else f"sae: no SAE {name!r} here; there are {names}")


def at_one_site(rows: Sequence[Row], hook: str | None) -> tuple[list[Row], str]:
    """The rows of one model and hook point, by default those of which there are most, and words that say which.

    What happens at different sites is no trend with width or L0.
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
