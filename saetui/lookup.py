"""What a person means by a name: the thing of that name or id, or the one of which either begins so."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")


def meant(name: str, things: Iterable[Thing], names_of: Callable[[Thing], tuple[str, ...]]) -> list[Thing]:
    """Those with ``name`` among their names, or else those with a name that begins so; one where it is clear."""
    there = list(things)
    exact = [thing for thing in there if name in names_of(thing)]
    return exact or [thing for thing in there if any(own.startswith(name) for own in names_of(thing))]
