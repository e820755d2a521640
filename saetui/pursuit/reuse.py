"""The atoms of the dictionary that was pursued last, for the next pursuit of it."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from jaxtyping import Float
from torch import Tensor

from saetui.pursuit.atoms import Atoms


class _Last:
    """At most one Atoms, kept until its dictionary is gone; a pursuit takes it out while it runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dictionary: weakref.ref[Tensor] | None = None
        self._atoms: Atoms | None = None

    def take(self, dictionary: Tensor, fold: bool) -> Atoms:
        """The atoms of this very dictionary, kept or new; a dictionary that was changed meanwhile gets new ones."""
        with self._lock:
            atoms = self._atoms
            known = self._dictionary is not None and self._dictionary() is dictionary
            self._drop(None)
        if known and atoms is not None and atoms.folded == fold and atoms.are_of(dictionary):
            return atoms
        return Atoms(dictionary, fold=fold)

    def give_back(self, dictionary: Tensor, atoms: Atoms) -> None:
        with self._lock:
            self._dictionary, self._atoms = weakref.ref(dictionary, self._drop), atoms

    def _drop(self, _: object) -> None:
        self._dictionary = self._atoms = None


_last = _Last()


@contextmanager
def atoms_of(dictionary: Float[Tensor, "width d"] | Atoms, *, fold: bool) -> Iterator[Atoms]:
    """The atoms given, or a dictionary's; raises ValueError for atoms that are folded and must not be, or not."""
    if isinstance(dictionary, Atoms):
        dictionary.check_folded(fold)
        yield dictionary
        return
    atoms = _last.take(dictionary, fold)
    try:
        yield atoms
    except Exception:
        _last.give_back(dictionary, atoms)
        raise
    _last.give_back(dictionary, atoms)
