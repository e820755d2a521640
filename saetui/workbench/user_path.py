"""Paths as a person types them."""

from pathlib import Path

from saetui.workbench.exceptions import CommandError


def user_path(text: str) -> Path:
    """The path with ``~`` written out; raises CommandError where it names no user, or is not a path."""
    if "\0" in text:
        raise CommandError(f"{text!r} is not a path: it has a null character in it")
    try:
        return Path(text).expanduser()
    except RuntimeError as problem:
        raise CommandError(f"{text}: there is no user {Path(text).parts[0].removeprefix('~')!r} here") from problem
