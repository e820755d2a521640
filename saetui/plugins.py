"""What grows registers itself: the modules of a folder of ours, and what other packages add by entry points."""

import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ARCHITECTURES = "saetui.architectures"


def own_modules(package: str, path: Iterable[str]) -> tuple[str, ...]:
    """Full names of the modules and packages in a package's folder, by name; those that begin with ``_`` are left out.

    Nothing is imported; ``path`` is the package's ``__path__``.
    """
    return tuple(sorted(f"{package}.{module.name}" for module in iter_modules(path) if module.name[0] != "_"))


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
    own = [name.rpartition(".")[2] for name in own_modules("saetui.sae.architectures", [str(folder)])]
    return tuple(sorted({*own, *(point.name for point in added(ARCHITECTURES))}))
