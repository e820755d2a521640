"""Fields of a configuration file, checked one by one; what is wrong is said with the file and the field."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saetui.sae.exceptions import SAEError

# Larger than any number in a configuration.
_MAX_COUNT = 1 << 40


def read_choice(path: Path | str, fields: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    """One of some words, ``none`` where there is none; SAEError, naming file and field, for another."""
    value = fields.get(name) or "none"
    if value not in known:
        raise SAEError(f"{path}: {name} {shown(value)} is unknown; known: {', '.join(known)}")
    return str(value)


def read_count(path: Path | str, fields: Mapping[str, Any], name: str) -> int:
    """A positive whole number; SAEError for anything else."""
    value = fields.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MAX_COUNT:
        raise SAEError(f"{path}: {name} must be a positive whole number of sane size, not {shown(value)}")
    return value


def read_flag(path: Path | str, fields: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """True or false; SAEError for anything else."""
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise SAEError(f"{path}: {name} must be true or false, not {shown(value)}")
    return value


def shown(value: object) -> str:
    """A value in a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
