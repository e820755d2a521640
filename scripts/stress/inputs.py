"""One bad input: how it is made, how it is given to saetui, and what must come of it."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Act = Callable[[Path], object]
# The exit code of a child that has looked at what it read, and found it right.
READ_RIGHTLY = 7


@dataclass(frozen=True)
class Input:
    """One input: how it is made in a folder, how it is given to saetui, and what must come of it."""

    group: str
    name: str
    make: Act
    give: Act
    must_fail: bool = True
    names: str = ""  # what a message must name
    torch: bool = False

    @property
    def title(self) -> str:
        return f"{self.group}: {self.name}"


def command(*words: str) -> Act:
    """Give a command line; what it would queue does not run."""

    def give(place: Path) -> None:
        import saetui.cli.headless
        from saetui.cli import main
        from saetui.jobs.client import JobClient

        JobClient.ensure_workers = lambda self: None  # type: ignore[method-assign]
        saetui.cli.headless.follow_jobs = lambda *_, **__: 0
        sys.argv = ["saetui", *words]
        main()

    return give


def with_store(base: Path, more: Act = lambda place: None) -> Act:
    def make(place: Path) -> None:
        shutil.copytree(base / "s", place / "s", symlinks=True)
        more(place)

    return make


def written(name: str, content: bytes | str) -> Act:
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return lambda place: (place / name).write_bytes(raw)


def both(*acts: Act) -> Act:
    """Acts one after the other; the small ones below are made to be put together."""

    def make(place: Path) -> None:
        for act in acts:
            act(place)

    return make


def folder(name: str) -> Act:
    return lambda place: (place / name).mkdir()


def pipe(name: str) -> Act:
    return lambda place: os.mkfifo(place / name)


def link(name: str, target: str) -> Act:
    return lambda place: (place / name).symlink_to(target)


def without(name: str = "") -> Act:
    """Removes a file or a whole folder, or the place itself."""

    def make(place: Path) -> None:
        path = place / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    return make
