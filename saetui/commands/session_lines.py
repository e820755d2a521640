"""The lines of a session file, checked one by one: errors name the file and the line."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import saetui
from saetui.commands.arguments import build
from saetui.commands.command import Command
from saetui.commands.vocabulary import EARLIER_VERBS, commands
from saetui.disk_errors import told
from saetui.plain_data import DepthError, NoObjectError, parse_object
from saetui.plain_files import read_file
from saetui.workbench.exceptions import CommandError

# Format 1 digested sorted tables without a tie-break, and without what a table has fixed; up to format 2 a command
# could be given on any screen; up to format 3 moving a cursor chose for all screens, and the tables whose
# ``rows_since`` is 4 had other rows.
FORMAT = 4
# No person's session is this long; such a file holds something else.
_LONGEST_SECONDS = 1e9
_SHOWN = 60


@dataclass(frozen=True)
class SessionLine:
    """One line: its number, from 1, and the JSON object in it."""

    number: int
    values: dict[str, Any]


def read_lines(path: Path) -> list[SessionLine]:
    """The lines of a file, at least one; a torn last one is left out."""
    try:
        content = read_file(path)
    except (OSError, ValueError) as problem:
        reason = told(problem) if isinstance(problem, OSError) else f"{path}: {problem}"
        raise CommandError(f"{reason}; it cannot be read as a session") from problem
    # Only line feeds end a line: a text in it may hold other characters that str.splitlines takes for ends.
    texts = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    unfinished = texts.pop()
    while texts and not unfinished.strip() and not texts[-1].strip():
        texts.pop()
    lines = [SessionLine(number, _object(path, number, text)) for number, text in enumerate(texts, start=1)]
    if unfinished.strip():
        try:
            lines.append(SessionLine(len(texts) + 1, _object(path, len(texts) + 1, unfinished)))
        except CommandError:
            if not lines:
                raise
    if not lines:
        raise CommandError(f"{path}: is empty; a session begins with a header line")
    return lines


def read_header(path: Path, line: SessionLine) -> tuple[str, str, str, str | None, datetime, int]:
    """The session's id, the version and the store it was recorded with, its parent, its start, its format."""
    version = line.values.get("saetui")
    if not isinstance(version, str):
        _refuse(path, line, "is not a session header; the first line of a session names saetui's version")
    number = line.values.get("format", 1)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= FORMAT:
        _refuse(
            path, line, f"is not a session header that saetui {saetui.__version__} can read: format {_shown(number)}"
        )
    parent = line.values.get("parent")
    if parent is not None and not isinstance(parent, str):
        _refuse(path, line, f"parent must be a text or null, not {_shown(parent)}")
    try:
        started = datetime.fromisoformat(_text(path, line, "started"))
    except ValueError:
        shown = _shown(line.values["started"])
        _refuse(path, line, f"started is not a time such as 2026-11-20T12:00:00+00:00: {shown}")
    return _text(path, line, "session"), version, _text(path, line, "store"), parent, started, number


def read_step(path: Path, line: SessionLine) -> tuple[float, Command, str, bool]:
    """Seconds since the start, the command, the digest of what it showed, and whether it was a visit."""
    verb, given = _text(path, line, "command"), line.values.get("args", {})
    verb = EARLIER_VERBS.get(verb, verb)
    if verb not in commands():
        _refuse(path, line, f"no command {verb[:_SHOWN]!r} in saetui {saetui.__version__}")
    if not isinstance(given, dict):
        _refuse(path, line, f"args must be an object, not {_shown(given)}")
    for name, value in given.items():
        if not _is_plain(value) and not (isinstance(value, list) and all(map(_is_plain, value))):
            _refuse(
                path, line, f"args: {name[:_SHOWN]} must be a text, a number or a list of them, not {_shown(value)}"
            )
    visit = line.values.get("visit", True)
    if not isinstance(visit, bool):
        _refuse(path, line, f"visit must be true or false, not {_shown(visit)}")
    try:
        command = build(commands()[verb], given)
    except CommandError as problem:
        _refuse(path, line, str(problem))
    except (ArithmeticError, TypeError, ValueError) as problem:
        _refuse(path, line, f"args cannot be those of {verb}: {problem}")
    return _seconds(path, line), command, _text(path, line, "digest"), visit


def _seconds(path: Path, line: SessionLine) -> float:
    value = line.values.get("t")
    if not isinstance(value, int | float) or not _is_number(value) or not 0 <= value < _LONGEST_SECONDS:
        _refuse(path, line, f"t must be seconds since the start of the session, not {_shown(value)}")
    return float(value)


def _object(path: Path, number: int, content: bytes) -> dict[str, Any]:
    where = f"{path}:{number}:"
    try:
        return parse_object(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError as problem:
        raise CommandError(f"{where} is not UTF-8 at byte {problem.start + 1} of the line") from problem
    except json.JSONDecodeError as problem:
        raise CommandError(f"{where} is not JSON ({problem.msg} at character {problem.colno})") from problem
    except NoObjectError as problem:
        raise CommandError(f"{where} is not an object with a command") from problem
    except DepthError as problem:
        raise CommandError(f"{where} is not JSON of a session: it {problem}") from problem
    except ValueError as problem:
        raise CommandError(f"{where} is not JSON of a session: {problem}") from problem


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:_SHOWN]!r} appears in it twice")
    return values


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _text(path: Path, line: SessionLine, name: str) -> str:
    value = line.values.get(name)
    if not isinstance(value, str):
        _refuse(
            path, line, f"{name} must be a text, not {_shown(value)}" if name in line.values else f"{name} is missing"
        )
    return value


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _is_number(value: object) -> bool:
    """Whether it is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _shown(value: object) -> str:
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):
        text = type(value).__name__
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _refuse(path: Path, line: SessionLine, reason: str) -> NoReturn:
    raise CommandError(f"{path}:{line.number}: {reason}")
