"""Which screens there are: each describes itself in a manifest of its own, from which everything else follows.

A screen is a package with a module ``manifest``, whose ``MANIFEST`` is a ``ScreenManifest``. Those in ``saetui/tui``
are found by their folders; another package adds one by an entry point of the group ``saetui.screens``, which has the
screen's name and names such a package. A manifest imports no Textual and no science: it is read before the first paint.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from saetui.plugins import added
from saetui.workbench.exceptions import CommandError
from saetui.workbench.tables import Table

GROUP = "saetui.screens"
_FOLDER = Path(__file__).parents[1] / "tui"


@dataclass(frozen=True)
class LinkForm:
    """How a link names a place on a screen: ``screen/PATH…?OPTION=…``, both names of fields of ``Attention``."""

    path: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    # Options that the path says as well: they are written where it is not written whole.
    implied: tuple[str, ...] = ()
    # The message about half a path, where the path means something only as a whole.
    whole: str = ""
    # Parts of the path that a link without them resets.
    cleared: tuple[str, ...] = ()


# Compared by identity, since its tables cannot be hashed.
@dataclass(frozen=True, eq=False)
class ScreenManifest:
    """A screen's description of itself.

    ``verbs`` are those of its commands, in the order of the footer; the first is what the screen is for, and stays
    where there is little room. ``view`` is its class, a ``saetui.tui.frame.screen.WorkbenchScreen``, as
    ``module:class``; ``commands`` the module of its commands. The first table has the focus when it is opened.
    """

    name: str
    key: str
    title: str
    help: str
    view: str
    tables: tuple[Table, ...]
    verbs: tuple[str, ...] = ()
    commands: str = ""
    link: LinkForm = field(default_factory=LinkForm)
    # The study that fills it, and the kinds of job that its keys submit.
    study: str = ""
    kinds: tuple[str, ...] = ()
    # The table that compares all SAEs in view, on a page of its own.
    across: str = ""
    # What it was called before: sessions, links and commands may still say so. Digests say the first of these.
    earlier_names: tuple[str, ...] = ()


def screens() -> Mapping[str, ScreenManifest]:
    """Every screen by its name, in the order of the keys.

    Raises:
        CommandError: what adds a screen cannot be imported, has no manifest, or has a name or a key that is taken.
    """
    return _screens((*_own(), *((point.name, point.value) for point in added(GROUP))))


def tables() -> Mapping[str, Table]:
    """Every table of every screen, by its id."""
    return _tables(tuple(screens().values()))


def tables_of(screen: str) -> tuple[Table, ...]:
    """The tables of a screen, in the order of ``tab``."""
    return screens()[screen].tables


def screens_with(verb: str) -> frozenset[str]:
    """The screens that a command belongs to; empty for one that works everywhere."""
    return _screens_by_verb(tuple(screens().values())).get(verb, frozenset())


def current_name(name: str) -> str:
    """The name that a screen, or a table of it, has now."""
    screen, dot, table = name.partition(".")
    found = (manifest.name for manifest in screens().values() if screen in manifest.earlier_names)
    return next(found, screen) + dot + table


def recorded_name(name: str) -> str:
    """The name of a screen or table in digests: its first, so that those of earlier sessions hold."""
    screen, dot, table = name.partition(".")
    manifest = screens().get(screen)
    earlier = manifest.earlier_names if manifest is not None else ()
    return (earlier[0] if earlier else screen) + dot + table


@lru_cache(maxsize=1)
def _own() -> tuple[tuple[str, str], ...]:
    """Name and package of the screens in the folder of ours."""
    return tuple((path.parent.name, f"saetui.tui.{path.parent.name}") for path in sorted(_FOLDER.glob("*/manifest.py")))


@lru_cache(maxsize=8)
def _screens(packages: tuple[tuple[str, str], ...]) -> Mapping[str, ScreenManifest]:
    found: dict[str, ScreenManifest] = {}
    for name, package in packages:
        if any(name in (other.name, *other.earlier_names) for other in found.values()):
            raise CommandError(f"{GROUP}: {package} has the name of another screen, {name!r}")
        manifest = _manifest(name, package)
        for other in found.values():
            if manifest.key == other.key:
                raise CommandError(f"{GROUP}: {package} has the key of the screen {other.name!r}, {other.key}")
        found[name] = manifest
    # On a keyboard, 0 comes after 9.
    return {manifest.name: manifest for manifest in sorted(found.values(), key=lambda m: (m.key == "0", m.key))}


def _manifest(name: str, package: str) -> ScreenManifest:
    try:
        module = import_module(f"{package}.manifest")
    except ImportError as error:
        raise CommandError(f"{GROUP}: {package}.manifest cannot be imported ({error})") from error
    manifest = getattr(module, "MANIFEST", None)
    if not isinstance(manifest, ScreenManifest) or manifest.name != name:
        raise CommandError(f"{GROUP}: {package}.manifest has no MANIFEST of a screen {name!r}")
    return manifest


@lru_cache(maxsize=8)
def _tables(manifests: tuple[ScreenManifest, ...]) -> Mapping[str, Table]:
    return {table.id: table for manifest in manifests for table in manifest.tables}


@lru_cache(maxsize=8)
def _screens_by_verb(manifests: tuple[ScreenManifest, ...]) -> Mapping[str, frozenset[str]]:
    verbs = {verb for manifest in manifests for verb in manifest.verbs}
    return {verb: frozenset(m.name for m in manifests if verb in m.verbs) for verb in verbs}
