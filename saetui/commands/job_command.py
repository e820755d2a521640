"""Commands that submit a job: beside their own arguments they take the options of the job's spec, by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, get_args, get_origin

from saetui.commands.command import Argument, Command


@dataclass(frozen=True, eq=False, repr=False)
class JobCommand(Command):
    """Base of them; ``further`` has what was given of the options."""

    further: tuple[tuple[str, Any], ...] = field(default=(), kw_only=True)


def spec_arguments(kind: str, leave_out: Collection[str], *, grid: bool = False) -> tuple[Argument, ...]:
    """The options of a kind of job as arguments; ``leave_out`` names fields that the command fills in itself.

    In a ``grid`` what belongs to one SAE takes several values. Reads the specs, which bring pydantic.
    """
    from saetui.jobs.registry import spec_kinds
    from saetui.jobs.spec_options import spec_options

    arguments = []
    for option in spec_options(spec_kinds()[kind], leave_out).values():
        kind_of_one = get_args(option.kind)[0] if get_origin(option.kind) is list else option.kind
        many = get_origin(option.kind) is list or (grid and option.inside is not None)
        taken = tuple[kind_of_one, ...] if many else kind_of_one  # type: ignore[valid-type]
        default = MISSING if option.required else None
        words = option.words or (("yes", "no") if kind_of_one is bool else ())
        arguments.append(Argument(option.called, taken, default, option.help, None, False, words))
    return tuple(arguments)


def fields_of(kind: str, further: Mapping[str, Any] | Collection[tuple[str, Any]]) -> dict[str, Any]:
    """What was given of the options by the names of the spec's fields."""
    from saetui.jobs.registry import spec_kinds
    from saetui.jobs.spec_options import spec_options

    names = {option.called: name for name, option in spec_options(spec_kinds()[kind]).items()}
    return {names[called]: value for called, value in dict(further).items()}
