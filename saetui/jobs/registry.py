"""Which kinds of job there are: the spec of each, and the task that runs it.

``SAETUI_TASKS`` adds kinds: names of importable modules, comma-separated. Such a module has ``SPECS``, a tuple of
``Spec`` subclasses, and ``run(spec, context)``; it is imported beside the interface, so it imports science inside
``run``.
"""

import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from saetui.jobs.exceptions import JobError
from saetui.jobs.specs import (
    AblationSpec,
    AbsorptionSpec,
    ErrorsSpec,
    LatentsSpec,
    LettersSpec,
    PursuitSpec,
    Spec,
    TrainSpec,
    kind_of,
)

if TYPE_CHECKING:
    from saetui.jobs.context import TaskContext

Task = Callable[[Spec, "TaskContext"], None]

_OWN: tuple[type[Spec], ...] = (
    TrainSpec,
    LettersSpec,
    AbsorptionSpec,
    AblationSpec,
    LatentsSpec,
    ErrorsSpec,
    PursuitSpec,
)


def spec_kinds() -> dict[str, type[Spec]]:
    """Every kind's spec, by the kind's name."""
    kinds = {kind_of(spec): spec for spec in _OWN}
    for module in _added():
        kinds.update({kind_of(spec): spec for spec in module.SPECS})
    return kinds


def find_task(kind: str) -> Task:
    """The function that runs a kind of job; imports the science it needs.

    Raises:
        JobError: there is no such kind.
    """
    for module in _added():
        if kind in {kind_of(spec) for spec in module.SPECS}:
            return module.run  # type: ignore[no-any-return]
    if kind not in {kind_of(spec) for spec in _OWN}:
        raise JobError(f"kind: no task runs {kind!r}")
    return importlib.import_module(f"saetui.jobs.kinds.{kind}.task").run  # type: ignore[no-any-return]


def _added() -> list[ModuleType]:
    modules = []
    for name in filter(None, os.environ.get("SAETUI_TASKS", "").split(",")):
        try:
            modules.append(importlib.import_module(name.strip()))
        except ImportError as error:
            raise JobError(f"SAETUI_TASKS: {name.strip()!r} cannot be imported ({error})") from error
    return modules
