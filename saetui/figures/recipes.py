"""The recipes of the SAEs in a figure: a line joins SAEs of one recipe only, and the figure says which those are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from string import ascii_uppercase
from typing import Any

from saetui.recipes import TrainedBy, differing, recipe_groups, written

_UNKNOWN = "recipe unknown"
# So many SAEs of a recipe are named.
_NAMED = 3


class Recipes:
    """Recipes of rows with the columns sae_id, name, width and recipe; lettered where they are of several."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        saes = {row["sae_id"]: row for row in rows}
        known = [TrainedBy.read(row.get("recipe")) for row in saes.values()]
        numbers = recipe_groups([(recipe, int(row["width"])) for recipe, row in zip(known, saes.values(), strict=True)])
        self._number = dict(zip(saes, numbers, strict=True))
        self._recipe = dict(zip(saes, known, strict=True))
        self._name = {sae_id: str(row["name"]) for sae_id, row in saes.items()}
        self._n_known = len(set(numbers) - {None})

    def number(self, row: Mapping[str, Any]) -> int:
        """Which recipe, from 0; after the known ones comes that nothing is known."""
        number = self._number[row["sae_id"]]
        return self._n_known if number is None else number

    def is_known(self, row: Mapping[str, Any]) -> bool:
        return self._number[row["sae_id"]] is not None

    def text(self, row: Mapping[str, Any]) -> str:
        """What the legend calls the recipe of a row; empty where all are of one."""
        if not self.is_known(row):
            return _UNKNOWN
        return f"recipe {self._letter(self.number(row))}" if len(set(self._number.values())) > 1 else ""

    @property
    def said(self) -> str:
        """What the recipes are; empty where there is one, which is known."""
        if len(set(self._number.values())) <= 1 and self._n_known:
            return ""
        told = [
            f"{self._letter(number)} is {self._what(number)} ({self._who(number)})" for number in range(self._n_known)
        ]
        unknown = self._who(None)
        if unknown:
            told.append(f"that of {unknown} is not known, as of SAEs that were trained elsewhere")
        return f"Lines join SAEs of one recipe only: {'; '.join(told)}." if told else ""

    @property
    def mixed(self) -> str:
        """What is said of figures over widths where the SAEs are of several recipes; empty where they are not."""
        if not self.are_several:
            return ""
        what = differing(self._recipe.values())
        return f"mixed recipes: the SAEs compared across widths differ in more than the width ({what})"

    @property
    def are_several(self) -> bool:
        """Whether the SAEs are not all of one recipe, as far as is known."""
        return len(set(self._number.values())) > 1

    def _letter(self, number: int) -> str:
        return ascii_uppercase[number] if number < len(ascii_uppercase) else str(number + 1)

    def _of(self, number: int | None) -> list[str]:
        return [sae_id for sae_id, own in self._number.items() if own == number]

    def _who(self, number: int | None) -> str:
        names = [self._name[sae_id] for sae_id in self._of(number)]
        more = len(names) - _NAMED
        return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")

    def _what(self, number: int) -> str:
        """In what a recipe differs from the other known ones."""
        differing = [
            field.name
            for field in fields(TrainedBy)
            if field.name != "seed" and len({self._values(n, field.name) for n in range(self._n_known)}) > 1
        ]
        told = [" and ".join(written(name, value) for value in self._values(number, name)) for name in differing]
        return ", ".join(told) or "the only one that is known"

    def _values(self, number: int, field: str) -> tuple[Any, ...]:
        recipes = [self._recipe[sae_id] for sae_id in self._of(number)]
        return tuple(dict.fromkeys(getattr(recipe, field) for recipe in recipes))
