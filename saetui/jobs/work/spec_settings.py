"""The settings of a study, taken from a spec."""

from dataclasses import fields
from typing import Any, TypeVar

from saetui.jobs.specs import Spec

Settings = TypeVar("Settings")


def settings_of(spec: Spec, settings: type[Settings]) -> Settings:
    """A dataclass of settings whose fields are the spec's fields of the same names."""
    kind: Any = settings
    found: Settings = kind(**{field.name: getattr(spec, field.name) for field in fields(kind)})
    return found
