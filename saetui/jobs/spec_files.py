"""Reads job specs from TOML, JSON and plain data, and says what is wrong with one in the terms of the file."""

import errno
import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from saetui.jobs.exceptions import JobError
from saetui.jobs.registry import spec_kinds, why_unknown
from saetui.jobs.specs import RESERVED, SCHEMA, Spec
from saetui.plain_data import MAX_DEPTH, DepthError, NotTextError, check_depth, decode, name_of, parse_json
from saetui.plain_files import read_file

# A spec that names a hundred thousand tokens one by one is shorter.
_MAX_BYTES = 16 << 20
# Python reads a few hundred kB of TOML per second; programs can write JSON instead.
_MAX_TOML_BYTES = 1 << 20
_SHOWN_PROBLEMS = 10
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![\w.-])(?:{_PART}){{{MAX_DEPTH}}}")


def load_spec(path: Path | str) -> Spec:
    """Reads a spec from a ``.toml`` or ``.json`` file; its relative paths start at the file's folder.

    Raises:
        JobError: naming the file, the field and the nearest valid one.
    """
    try:
        path = Path(path).expanduser()
        is_json = path.suffix.lower() == ".json"
        content = read_file(path, _MAX_BYTES if is_json else _MAX_TOML_BYTES)
    except RuntimeError as error:  # There is no such user.
        raise JobError(f"{path}: cannot be read ({error})") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        if isinstance(error, OSError) and error.errno == errno.EFBIG and not is_json:
            reason = f"{reason}; write a specification of this size as JSON"
        raise JobError(f"{path}: cannot be read ({reason})") from error
    try:
        data = parse_json(content) if is_json else _parse_toml(content)
    except ValueError as error:
        raise JobError(f"{path}: {error}") from error
    return parse_spec(data, source=str(path), base=path.parent)


def _parse_toml(content: bytes) -> dict[str, Any]:
    try:
        text = decode(content)
        # The parser takes minutes for a key of very many parts, before anybody could look at its depth.
        if _LONG_KEY.search(text):
            raise DepthError(f"is nested more than {MAX_DEPTH} levels deep")
        data = tomllib.loads(text)
        check_depth(data)
    except NotTextError as error:
        raise ValueError(f"not TOML: it {error}") from None
    except (DepthError, RecursionError):
        raise ValueError(f"is nested more than {MAX_DEPTH} levels deep") from None
    except ValueError as error:  # Also a number of thousands of digits.
        raise ValueError(f"not TOML: {error}") from error
    return data


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
        raise JobError(f"{source}: expected a table with the fields of a job spec, got {name_of(data)}")
    try:
        check_depth(data)
    except DepthError as error:
        raise JobError(f"{source}: {error}") from error
    kinds = spec_kinds()
    kind = data.get("kind")
    if kind is None:
        raise JobError(f"{source}: kind: missing; it says what the job does: {', '.join(sorted(kinds))}")
    if not isinstance(kind, str) or kind not in kinds:
        reason = f"; {why}" if (why := why_unknown(str(kind))) else _nearest(str(kind)[:100], sorted(kinds))
        raise JobError(f"{source}: kind: {_shown(kind)} is unknown{reason}")
    if data.get("schema", SCHEMA) != SCHEMA:
        raise JobError(f"{source}: schema: {_shown(data['schema'])} is not known to this saetui, which reads {SCHEMA}")
    try:
        spec = kinds[kind].model_validate(dict(data))
    except ValidationError as error:
        problems = _causes(error.errors(include_url=False))
        lines = [f"{source}: {_explain(kinds[kind], item)}" for item in problems[:_SHOWN_PROBLEMS]]
        if more := len(problems) - len(lines):
            lines.append(f"{source}: and {more:,} more")
        raise JobError("\n".join(lines)) from error
    return _with_absolute_paths(spec, source, base)


def _with_absolute_paths(spec: Spec, source: str, base: Path | None) -> Spec:
    """Paths that start at the spec's folder, at the current one, or at a home folder, written out."""
    bases = [*([base.absolute()] if base is not None else []), Path.cwd()]
    changed = {}
    for name in (*spec.paths, "store"):
        text = getattr(spec, name)
        if text in RESERVED or not text:
            continue
        if "\0" in text:
            raise JobError(f"{source}: {name}: {_shown(text)} holds a null byte, as no name can; take it out")
        try:
            candidates = [each / Path(text).expanduser() for each in bases]
        except RuntimeError as error:  # There is no such user.
            raise JobError(f"{source}: {name}: {text!r}: {error}") from error
        found = next((str(path.resolve()) for path in candidates if _exists(path)), None)
        # A store is made where it is not yet there; another name may be one on the hub.
        changed[name] = found or (str(candidates[0]) if name == "store" else text)
    return spec.model_copy(update=changed)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # A name that is too long for any file, or a folder that must not be looked into.
        return False


def _causes(problems: Sequence[Any]) -> list[Any]:
    """Without consequential errors: a list with a refused item is also reported as too short."""
    return [
        problem
        for problem in problems
        if problem["type"] != "too_short"
        or not any(
            len(other["loc"]) > len(problem["loc"]) and other["loc"][: len(problem["loc"])] == problem["loc"]
            for other in problems
        )
    ]


def _explain(spec: type[Spec], error: Any) -> str:
    location: tuple[str | int, ...] = error["loc"]
    field = _written(location)
    match error["type"]:
        case "extra_forbidden":
            owner = _model_at(spec, location[:-1])
            names = [field.alias or name for name, field in owner.model_fields.items()]
            return f"{field}: unknown field{_nearest(str(location[-1])[:100], names)}"
        case "missing":
            owner = _model_at(spec, location[:-1])
            description = owner.model_fields[str(location[-1])].description
            return f"{field}: missing. {description}" if description else f"{field}: missing"
        case "literal_error":
            known = error["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            return f"{field}: {_shown(error['input'])} is unknown{_nearest(str(error['input'])[:100], known)}"
        case "too_long":
            most, found = error["ctx"]["max_length"], error["ctx"]["actual_length"]
            return f"{field}: at most {most:,} of them{f', not {found:,}' if found else ''}"
        case "string_unicode":
            return f"{field}: {_shown(error['input'])} is not UTF-8; give the file a name that is"
        case "value_error":
            return f"{field}: {error['ctx']['error']}" if field else str(error["ctx"]["error"])
        case _:
            return f"{field}: {error['msg'][0].lower()}{error['msg'][1:]}, got {_shown(error['input'])}"


def _shown(value: object) -> str:
    """A value in a message, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # A number of thousands of digits.
        text = f"a {type(value).__name__} of very many digits"
    return text if len(text) <= 100 else f"{text[:99]}…"


def _written(location: tuple[str | int, ...]) -> str:
    """A location as one writes it: ``recipes[0].width``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text if len(text) <= 100 else f"{text[:99]}…"


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
