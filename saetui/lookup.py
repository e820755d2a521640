"""What a person means by a name: the thing of that name or id, or the one of which either begins so."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")


def meant(name: str, things: Iterable[Thing], names_of: Callable[[Thing], tuple[str, ...]]) -> list[Thing]:
    """Those with ``name`` among their names, or else those with a name that begins so; one where it is clear."""
    there = list(things)
    exact = [thing for thing in there if name in names_of(thing)]
    if exact or not name:
        return exact
    return [thing for thing in there if any(own.startswith(name) for own in names_of(thing))]


def newest_meant(name: str, things: Iterable[Thing], names_of: Callable[[Thing], tuple[str, ...]]) -> list[Thing]:
    """As ``meant``, of things of which a later one stands for those before it that share its last name."""
    return list({names_of(thing)[-1]: thing for thing in meant(name, things, names_of)}.values())
