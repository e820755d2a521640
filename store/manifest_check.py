"""Reading a manifest that may be damaged, or a stranger's: nothing in it is used before it has been looked at."""

import json
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from store.clock import tick_of
from store.exceptions import SpoolError
from store.manifest import JOB_ID, MANIFEST, Manifest, Part, part_name
from store.parts import read_again
from store.plain import SMALL
from store.tables import LOGICAL, TABLES, stored_columns

_SHA256 = r"^[0-9a-f]{64}$"
_ATTEMPT = r"^[0-9]{19}-[0-9a-f]{8}$"
_NAME = r"^[0-9]{19}-[0-9a-f]{8}-[0-9]{4,9}$"
_MOST_ROWS = 1 << 40
_Text = Annotated[str, Field(max_length=4096)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Part(_Strict):
    table: _Text
    file: _Text
    n_rows: Annotated[int, Field(ge=0, le=_MOST_ROWS)]
    columns: tuple[_Text, ...]
    scope: dict[_Text, str]
    sha256: Annotated[str | None, Field(pattern=_SHA256)] = None


class _Manifest(_Strict):
    format: Literal[1, 2]
    name: Annotated[str, Field(pattern=_NAME)]
    job_id: Annotated[str, Field(pattern=f"^{JOB_ID.pattern}$")]
    attempt: Annotated[str, Field(pattern=_ATTEMPT)]
    parts: tuple[_Part, ...]
    sha256: Annotated[str | None, Field(pattern=_SHA256)] = None


def load(folder: Path) -> Manifest:
    """The manifest of a finished folder, checked; Unread where it cannot be had now, SpoolError where it is not one."""
    path = folder / MANIFEST
    text = read_again(path, SMALL)
    try:
        form = _Manifest.model_validate_json(text)
    except ValidationError as error:
        raise SpoolError(f"{path}: is damaged or not a manifest: {_told(text, error)}") from error
    parts = tuple(Part(**part.model_dump()) for part in form.parts)
    manifest = Manifest(form.name, form.job_id, form.attempt, parts, form.sha256)
    _check(path, form.format, manifest)
    return manifest


def _told(text: bytes, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    if where == "format" and (found := re.match(rb'\s*\{\s*"format":\s*([0-9]{1,9})\b', text)):
        return f"it has format {int(found[1])}, written by a later saetui; open the store with that one"
    return f"{where}: {first['msg']}" if where else first["msg"]


def _check(path: Path, number: int, manifest: Manifest) -> None:
    """SpoolError where the manifest contradicts itself, its folder, its checksum, or the tables."""
    if number > 1 and manifest.sha256 != manifest.sealed().sha256:
        raise SpoolError(f"{path}: is damaged: its checksum is not that of its content")
    if number == 1 and (manifest.sha256 or any(part.sha256 for part in manifest.parts)):
        raise SpoolError(f"{path}: is damaged: format 1 has no checksums")
    if manifest.name != path.parent.name or not manifest.name.startswith(f"{manifest.attempt}-"):
        raise SpoolError(f"{path}: belongs to a result called {manifest.name} of attempt {manifest.attempt}")
    if tick_of(manifest.attempt) is None:
        raise SpoolError(f"{path}: attempt: {manifest.attempt} is later than any clock")
    for index, part in enumerate(manifest.parts):
        if reason := _reason(number, index, part):
            raise SpoolError(f"{path}: parts.{index}: {reason}")


def _reason(number: int, index: int, part: Part) -> str | None:
    """What is wrong with a part, if anything is."""
    logical = LOGICAL.get(part.table)
    if logical is None:
        return f"there is no table {part.table[:80]!r}; was it written by a later saetui?"
    if part.file != part_name(index, part.table):
        return f"its file must be called {part_name(index, part.table)}, not {part.file[:80]!r}"
    if number > 1 and part.sha256 is None:
        return "it has no checksum"
    rule, columns = TABLES[logical], stored_columns(part.table)
    if set(part.scope) != set(rule.scope):
        return f"its scope must name {', '.join(rule.scope) or 'nothing'}, not {json.dumps(list(part.scope))[:200]}"
    if unknown := [name for name in part.columns if name not in columns.types]:
        return f"{part.table} has no column {unknown[0][:80]!r}"
    if len(set(part.columns)) != len(part.columns):
        return "a column is named twice"
    needed = set(rule.key) if rule.key else columns.required - set(rule.scope)
    if missing := sorted(needed - set(part.columns)):
        return f"{part.table} needs the column {missing[0]!r}"
    if both := sorted(set(part.columns) & set(rule.scope)):
        return f"{both[0]!r} is both a column and of the scope"
    return None
