"""Which screens there are: each describes itself in a manifest of its own, from which everything else follows.

A screen is a package with a module ``manifest``, whose ``MANIFEST`` is a ``ScreenManifest``. Those in ``saetui/tui``
are found by their folders; another package adds one by an entry point of the group ``saetui.screens``, which has the
screen's name and names such a package. A manifest imports no Textual and no science: it is read before the first paint.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from saetui.plugins import added, imported, leave_out, left_out, loaded
from saetui.workbench.exceptions import CommandError
from saetui.workbench.link_fields import KNOWN_FIELDS
from saetui.workbench.screen_study import ScreenStudy
from saetui.workbench.tables import Table

if TYPE_CHECKING:
    from saetui.workbench.glossary import Term

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
    study: ScreenStudy | None = None
    kinds: tuple[str, ...] = ()
    # The table that compares all SAEs in view, on a page of its own.
    across: str = ""
    # What its columns mean, by column, as ``saetui.workbench.glossary`` has it for those of ours.
    glossary: "Mapping[str, Term]" = field(default_factory=dict)
    # What it was called before: sessions, links and commands may still say so. Digests say the first of these.
    earlier_names: tuple[str, ...] = ()


def screens() -> Mapping[str, ScreenManifest]:
    """Every screen by its name, in the order of the keys.

    What of other packages is broken is left out, and what has a name or a key of another screen.
    """
    return _screens(tuple((point.name, point.value) for point in added(GROUP)))


def no_screen(name: str) -> str:
    """What to say of a name that no screen has."""
    return f"no screen {name!r}; " + (left_out(GROUP, name) or f"there are {', '.join(screens())}")


def tables() -> Mapping[str, Table]:
    """Every table of every screen, by its id."""
    return _tables(tuple(screens().values()))


def tables_of(screen: str) -> tuple[Table, ...]:
    """The tables of a screen, in the order of ``tab``."""
    return screens()[screen].tables


def studies_shown() -> Mapping[str, ScreenStudy]:
    """The study of each kind that a screen shows, as the first screen describes it that says how it is found."""
    shown = [manifest.study for manifest in screens().values() if manifest.study is not None]
    return {study.kind: study for study in (*reversed(shown), *(s for s in reversed(shown) if s.made))}


def added_screens() -> Mapping[str, str]:
    """The package of each screen that is not ours, by the screen's name."""
    added_here = {point.name: point.value for point in reversed(added(GROUP))}
    return {name: added_here[name] for name in screens() if name not in _own_names()}


def screens_with(verb: str, module: str) -> frozenset[str]:
    """The screens that the command of a module belongs to; empty for one that works everywhere."""
    found = _screens_by_verb(tuple(screens().values())).get(verb, frozenset())
    # A command of ours that works everywhere still does where another package's screen lists it.
    return frozenset() if module.startswith("saetui.") and not found & _own_names() else found


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
def _own() -> tuple[str, ...]:
    """The packages of the screens in the folder of ours."""
    return tuple(f"saetui.tui.{path.parent.name}" for path in sorted(_FOLDER.glob("*/manifest.py")))


def _own_names() -> frozenset[str]:
    return frozenset(package.rpartition(".")[2] for package in _own())


@lru_cache(maxsize=8)
def _screens(added: tuple[tuple[str, str], ...]) -> Mapping[str, ScreenManifest]:
    found: dict[str, ScreenManifest] = {}
    for name, manifest in loaded(GROUP, _own(), _manifest, CommandError).items():
        taken = [f"{other.name} had that name before" for other in found.values() if name in other.earlier_names]
        taken += [f"{other.name} has its key, {other.key}" for other in found.values() if manifest.key == other.key]
        if taken:
            leave_out(GROUP, name, dict(added)[name], f"{GROUP}: {taken[0]}")
        else:
            found[name] = manifest
    # On a keyboard, 0 comes after 9.
    return {manifest.name: manifest for manifest in sorted(found.values(), key=lambda m: (m.key == "0", m.key))}


def _manifest(name: str, package: str) -> ScreenManifest:
    manifest = getattr(imported(GROUP, f"{package}.manifest", CommandError), "MANIFEST", None)
    if not isinstance(manifest, ScreenManifest) or manifest.name != name:
        raise CommandError(f"{GROUP}: {package}.manifest has no MANIFEST of a screen {name!r}")
    if fault := _fault(manifest):
        raise CommandError(f"{GROUP}: {package}.manifest: {fault}")
    return manifest


def _fault(manifest: ScreenManifest) -> str:
    """What is wrong with a manifest, with the name of the part; empty where nothing is."""
    form, name = manifest.link, manifest.name
    if unknown := sorted({*form.path, *form.options} - KNOWN_FIELDS):
        return f"link: no field {unknown[0]!r} can be in a link; there are {', '.join(sorted(KNOWN_FIELDS))}"
    if stray := sorted({*form.implied, *form.cleared} - {*form.path, *form.options}):
        return f"link: {stray[0]!r} is neither in the path nor an option"
    if not manifest.tables:
        return "tables: there are none; the first has the focus"
    for table in manifest.tables:
        if not table.id.startswith(f"{name}.") or "-" in table.id:
            return f"tables: {table.id!r} must be {name}.NAME, without a hyphen"
    study: object = manifest.study
    if not (study is None or isinstance(study, ScreenStudy)):
        return f"study: must be a ScreenStudy, not {study!r}"
    if manifest.across and manifest.across not in {table.id for table in manifest.tables}:
        return f"across: must be one of its tables, not {manifest.across!r}"
    if not (len(manifest.key) == 1 and manifest.key.isdigit()):
        return f"key: must be a digit, not {manifest.key!r}"
    return ""


@lru_cache(maxsize=8)
def _tables(manifests: tuple[ScreenManifest, ...]) -> Mapping[str, Table]:
    return {table.id: table for manifest in manifests for table in manifest.tables}


@lru_cache(maxsize=8)
def _screens_by_verb(manifests: tuple[ScreenManifest, ...]) -> Mapping[str, frozenset[str]]:
    verbs = {verb for manifest in manifests for verb in manifest.verbs}
    return {verb: frozenset(m.name for m in manifests if verb in m.verbs) for verb in verbs}
