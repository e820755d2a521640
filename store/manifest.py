"""A finished result in the spool: a folder of Parquet parts with a manifest that lists them."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from store.filelock import FileLock

MANIFEST = "manifest.json"
# Held by the writer of a folder for as long as it lives.
_LOCK = "lock"
# Format 1 had no checksums; what waits of it is still taken in.
FORMAT = 2
# A folder of the spool with one of these endings is not a finished result.
WRITING, DONE, REJECTED = ".writing", ".done", ".rejected"
# What ids of jobs may look like: they stand in names of files and in messages.
JOB_ID = re.compile(r"[A-Za-z0-9_.@:+-]{1,200}")


@dataclass(frozen=True)
class Part:
    """One Parquet file; ``scope`` holds the columns that are the same in all its rows and therefore not in the file.

    ``sha256`` is the checksum of the file in hexadecimal digits; None in manifests of format 1.
    """

    table: str
    file: str
    n_rows: int
    columns: tuple[str, ...]
    scope: dict[str, str]
    sha256: str | None = None


@dataclass(frozen=True)
class Manifest:
    """What one flush of one job wrote; ``attempt`` orders the tries of jobs by their start.

    ``sha256`` is the checksum of all the rest; None in manifests of format 1.
    """

    name: str
    job_id: str
    attempt: str
    parts: tuple[Part, ...]
    sha256: str | None = None

    @property
    def n_rows(self) -> int:
        return sum(part.n_rows for part in self.parts)

    def sealed(self) -> "Manifest":
        """The same with the checksum that belongs to it."""
        content = json.dumps({**asdict(self), "sha256": None}, sort_keys=True)
        return replace(self, sha256=hashlib.sha256(content.encode()).hexdigest())

    def dumps(self) -> str:
        """The text of the file."""
        content: dict[str, Any] = {"format": FORMAT, **asdict(self.sealed())}
        return json.dumps(content, indent=1)


def part_name(number: int, table: str) -> str:
    """The name of the file of a part; nothing else is ever opened as one."""
    return f"{number:05d}-{table}.parquet"


def held(folder: Path) -> FileLock | None:
    """The lock that a folder being written is held by; None where another process has it, or removes the folder."""
    path = folder / _LOCK
    try:
        lock = FileLock(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    # A lock on a file that has been removed since it was opened keeps nobody away.
    if lock.exclusive() and lock.is_of(path):
        return lock
    lock.close()
    return None


def finished(spool: Path) -> list[Path]:
    """What lies in the spool and waits to be committed, oldest first; OSError where the spool cannot be listed."""
    try:
        names = sorted(path.name for path in spool.iterdir())
    except FileNotFoundError:
        return []
    return [spool / name for name in names if not name.endswith((WRITING, DONE, REJECTED)) and not name.startswith(".")]
