"""What grows registers itself: the modules of a folder of ours, and what other packages add by entry points."""

import sys
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules

ARCHITECTURES = "saetui.architectures"


def own_modules(package: str, path: Iterable[str]) -> tuple[str, ...]:
    """Full names of the modules and packages in a package's folder, by name; those that begin with ``_`` are left out.

    Nothing is imported; ``path`` is the package's ``__path__``.
    """
    return tuple(sorted(f"{package}.{module.name}" for module in iter_modules(path) if module.name[0] != "_"))


def added(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, e.g. ``saetui.kinds``, in every package that can be imported; none is loaded."""
    return _added(group, tuple(sys.path))


@lru_cache(maxsize=64)
def _added(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001
    # A folder may be both installed and on the path, and is then found twice.
    return tuple({(point.name, point.value): point for point in entry_points(group=group)}.values())


def architecture_names() -> tuple[str, ...]:
    """Every SAE architecture, by the name of its file or entry point; none is imported, since they bring torch."""
    folder = Path(__file__).parent / "sae" / "architectures"
    own = [name.rpartition(".")[2] for name in own_modules("saetui.sae.architectures", [str(folder)])]
    return tuple(sorted({*own, *(point.name for point in added(ARCHITECTURES))}))
