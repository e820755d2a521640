"""Reads job specs from TOML, JSON and plain data, and says what is wrong with one in the terms of the file."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from saetui.jobs.errors import JobError
from saetui.jobs.registry import spec_kinds
from saetui.jobs.specs import SCHEMA, Spec

# Words in a path field that never mean a file.
_RESERVED = frozenset({"embedded", "stdlib"})


def load_spec(path: Path | str) -> Spec:
    """Reads a spec from a ``.toml`` or ``.json`` file; its relative paths start at the file's folder.

    Raises:
        JobError: naming the file, the field and the nearest valid one.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise JobError(f"{path}: cannot be read ({reason})") from error
    try:
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise JobError(f"{path}: not {'JSON' if path.suffix == '.json' else 'TOML'}: {error}") from error
    return parse_spec(data, source=str(path), base=path.parent)


def parse_spec(data: object, *, source: str = "job spec", base: Path | None = None) -> Spec:
    """Makes a spec of plain data.

    Args:
        data: a mapping with ``kind`` and that kind's fields.
        source: what error messages call it, e.g. a file's name.
        base: folder in which relative paths start, before the current one.

    Raises:
        JobError: naming the field and the nearest valid one.
    """
    if not isinstance(data, Mapping):
        raise JobError(f"{source}: expected a table with the fields of a job spec, got {type(data).__name__}")
    kinds = spec_kinds()
    kind = data.get("kind")
    if kind is None:
        raise JobError(f"{source}: kind: missing; it says what the job does: {', '.join(sorted(kinds))}")
    if kind not in kinds:
        raise JobError(f"{source}: kind: {kind!r} is unknown{_nearest(str(kind), sorted(kinds))}")
    if data.get("schema", SCHEMA) != SCHEMA:
        raise JobError(f"{source}: schema: {data['schema']!r} is not known to this saetui, which reads {SCHEMA}")
    try:
        spec = kinds[kind].model_validate(dict(data))
    except ValidationError as error:
        raise JobError("\n".join(f"{source}: {_explain(kinds[kind], item)}" for item in error.errors())) from error
    return _with_absolute_paths(spec, [*([base] if base is not None else []), Path.cwd()])


def _with_absolute_paths(spec: Spec, bases: Sequence[Path]) -> Spec:
    changed = {}
    for name in spec.paths:
        text = getattr(spec, name)
        if text in _RESERVED or not text:
            continue
        candidates = [base / Path(text).expanduser() for base in bases]
        changed[name] = next((str(path.resolve()) for path in candidates if path.exists()), text)
    return spec.model_copy(update=changed)


def _explain(spec: type[Spec], error: Any) -> str:
    location: tuple[str | int, ...] = error["loc"]
    field = _written(location)
    match error["type"]:
        case "extra_forbidden":
            owner = _model_at(spec, location[:-1])
            names = [field.alias or name for name, field in owner.model_fields.items()]
            return f"{field}: unknown field{_nearest(str(location[-1]), names)}"
        case "missing":
            owner = _model_at(spec, location[:-1])
            description = owner.model_fields[str(location[-1])].description
            return f"{field}: missing. {description}" if description else f"{field}: missing"
        case "literal_error":
            known = error["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            return f"{field}: {error['input']!r} is unknown{_nearest(str(error['input']), known)}"
        case "value_error":
            return f"{field}: {error['ctx']['error']}" if field else str(error["ctx"]["error"])
        case _:
            return f"{field}: {error['msg'][0].lower()}{error['msg'][1:]}, got {error['input']!r}"


def _written(location: tuple[str | int, ...]) -> str:
    """A location as one writes it: ``recipes[0].width``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _model_at(model: type[BaseModel], location: tuple[str | int, ...]) -> type[BaseModel]:
    """The model in which a location's fields are."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _nearest(name: str, names: list[str]) -> str:
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"
