"""Which kinds of job there are: the spec of each, and the task that runs it.

A kind is a package of two modules: ``spec``, with one ``Spec`` subclass of that kind, and ``task``, with
``run(spec, context)``, which alone imports science. Those in ``saetui/jobs/kinds`` are found by their folders; another
package adds one by an entry point of the group ``saetui.kinds``, which has the kind's name and names such a package.

``SAETUI_TASKS`` adds kinds, too: names of importable modules, comma-separated. Such a module has ``SPECS``, a tuple of
``Spec`` subclasses, and ``run(spec, context)``; it imports science inside ``run``.
"""

import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from saetui.jobs import kinds
from saetui.jobs.exceptions import JobError
from saetui.jobs.specs import Spec, kind_of
from saetui.plugins import imported, left_out, loaded, members, own_modules

if TYPE_CHECKING:
    from saetui.jobs.context import TaskContext

Task = Callable[[Spec, "TaskContext"], None]
GROUP = "saetui.kinds"


def kind_packages() -> dict[str, str]:
    """The package of every kind that has one, by the kind's name; nothing is imported."""
    return members(GROUP, own_modules(kinds.__name__, kinds.__path__))


def spec_kinds() -> dict[str, type[Spec]]:
    """Every kind's spec, by the kind's name; what of other packages is broken is left out.

    Raises:
        JobError: a module of ``SAETUI_TASKS`` cannot be imported.
    """
    specs = loaded(GROUP, own_modules(kinds.__name__, kinds.__path__), _spec_in, JobError)
    for module in _modules_named():
        specs.update({kind_of(spec): spec for spec in module.SPECS})
    return specs


def has_field(kind: str, name: str) -> bool:
    """Whether the spec of a kind has a field of this name."""
    return name in spec_kinds()[kind].model_fields


def needs_field(kind: str, name: str) -> bool:
    """Whether that field is required."""
    return has_field(kind, name) and spec_kinds()[kind].model_fields[name].is_required()


def find_task(kind: str) -> Task:
    """The function that runs a kind of job; imports the science it needs.

    Raises:
        JobError: there is no such kind.
    """
    for module in _modules_named():
        if kind in {kind_of(spec) for spec in module.SPECS}:
            return module.run  # type: ignore[no-any-return]
    package = kind_packages().get(kind)
    if package is None:
        raise JobError(left_out(GROUP, kind) or f"kind: no task runs {kind!r}")
    return importlib.import_module(f"{package}.task").run  # type: ignore[no-any-return]


def why_unknown(kind: str) -> str:
    """Why a kind that another package adds is not there; empty where none adds it."""
    return left_out(GROUP, kind)


def _spec_in(kind: str, package: str) -> type[Spec]:
    module = imported(GROUP, f"{package}.spec", JobError)
    classes = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Spec)]
    for spec in classes:
        if spec.__module__ == module.__name__ and spec.model_fields["kind"].default == kind:
            return spec
    raise JobError(f'{GROUP}: {package}.spec has no Spec with kind: Literal["{kind}"]')


def _modules_named() -> list[ModuleType]:
    modules = []
    for name in filter(None, os.environ.get("SAETUI_TASKS", "").split(",")):
        try:
            modules.append(importlib.import_module(name.strip()))
        except ImportError as error:
            raise JobError(f"SAETUI_TASKS: {name.strip()!r} cannot be imported ({error})") from error
    return modules
