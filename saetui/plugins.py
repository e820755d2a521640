"""What grows registers itself: the modules of a folder of ours, and what other packages add by entry points.

A name belongs to who has it first, and we come first. What another package adds under a name that is taken, or what is
broken, is left out, and a person is told so once: it is an error only where that name is asked for.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
ARCHITECTURES = "saetui.architectures"

# What is left out, by group, name, module and part, with the words for it; and those that nobody has been told yet.
_LEFT_OUT: dict[tuple[str, str, str, str], str] = {}
_UNTOLD: list[str] = []


def own_modules(package: str, path: Iterable[str]) -> tuple[str, ...]:
    """Full names of the modules and packages in a package's folder, by name; those that begin with ``_`` are left out.

    Nothing is imported; ``path`` is the package's ``__path__``.
    """
    return tuple(sorted(f"{package}.{module.name}" for module in iter_modules(path) if module.name[0] != "_"))


def members(group: str, own: Iterable[str]) -> dict[str, str]:
    """The module of all that a group has, by name: ours, named by their full names, then what other packages add.

    None is imported. What is left out already is not among them.
    """
    found = {module.rpartition(".")[2]: module for module in own}
    for point in added(group):
        if point.name in found:
            leave_out(group, point.name, point.value, f"{group}: {found[point.name]} has that name")
        elif (group, point.name, point.value, "") not in _LEFT_OUT:
            found[point.name] = point.value
    return found


def loaded(group: str, own: Collection[str], load: Callable[[str, str], T], error: type[Exception]) -> dict[str, T]:
    """What ``load(name, module)`` makes of each member of a group; what others add is left out where it raises."""
    found = {}
    for name, module in members(group, own).items():
        try:
            found[name] = load(name, module)
        except error as problem:
            if module in own:
                raise
            leave_out(group, name, module, problem)
    return found


def imported(group: str, module: str, error: type[Exception]) -> ModuleType:
    """A module that another package may have brought; raises ``error`` whatever it is that importing it raises."""
    try:
        return import_module(module)
    except MemoryError:
        raise
    except Exception as problem:
        reason = str(problem) if isinstance(problem, ImportError) else f"{type(problem).__name__}: {problem}"
        raise error(f"{group}: {module} cannot be imported ({reason})") from problem


def leave_out(group: str, name: str, module: str, reason: object, *, part: str = "") -> None:
    """Leave out what an entry point adds, or a ``part`` of it, and have a person told why."""
    if (group, name, module, part) in _LEFT_OUT:
        return
    words = f"{part or repr(name)} of {_package(group, name, module)} is left out; {reason}"
    _LEFT_OUT[group, name, module, part] = words
    _UNTOLD.append(words)


def left_out(group: str, name: str | None = None) -> str:
    """The words for what of a group, or of this name in it, is left out as a whole; empty where nothing is.

    Who asks tells it.
    """
    found = [
        words
        for (of, member, _, part), words in _LEFT_OUT.items()
        if of == group and not part and name in (None, member)
    ]
    _UNTOLD[:] = [words for words in _UNTOLD if words not in found]
    return "; ".join(found)


def untold() -> list[str]:
    """What is left out that nobody has been told yet; who asks tells it."""
    told = list(_UNTOLD)
    del _UNTOLD[: len(told)]
    return told


def _package(group: str, name: str, module: str) -> str:
    for point in added(group):
        if (point.name, point.value) == (name, module) and point.dist is not None:
            return f"the package {point.dist.name}"
    return f"the module {module}"


def added(group: str) -> "tuple[EntryPoint, ...]":
    """The entry points of a group, e.g. ``saetui.kinds``, in every package that can be imported; none is loaded."""
    return _added(group, tuple(sys.path))


@lru_cache(maxsize=64)
def _added(group: str, path: tuple[str, ...]) -> "tuple[EntryPoint, ...]":
    if not any(_may_add(group, folder or ".") for folder in path):
        return ()
    # Importing it takes a tenth of a second, which nobody should wait for who has added nothing.
    from importlib.metadata import entry_points

    # A folder may be both installed and on the path, and is then found twice.
    return tuple({(point.name, point.value): point for point in entry_points(group=group)}.values())


def _may_add(group: str, folder: str) -> bool:
    """Whether a package in a folder of the path may have entry points of a group; a zip file is not looked into."""
    heading = f"[{group}]".encode()
    try:
        with os.scandir(folder) as entries:
            packages = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
    except NotADirectoryError:
        return True
    except OSError:
        return False
    for package in packages:
        try:
            if heading in Path(package, "entry_points.txt").read_bytes():
                return True
        except OSError:
            continue
    return False


def architecture_names() -> tuple[str, ...]:
    """Every SAE architecture, by the name of its file or entry point; none is imported, since they bring torch."""
    folder = Path(__file__).parent / "sae" / "architectures"
    return tuple(sorted(members(ARCHITECTURES, own_modules("saetui.sae.architectures", [str(folder)]))))
