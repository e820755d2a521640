"""A finished result in the spool: a folder of Parquet parts with a manifest that lists them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from store.errors import SpoolError
from store.filelock import FileLock

MANIFEST = "manifest.json"
# Held by the writer of a folder for as long as it lives.
_LOCK = "lock"
_FORMAT = 1
# A folder of the spool with one of these endings is no finished result.
WRITING, DONE, REJECTED = ".writing", ".done", ".rejected"


@dataclass(frozen=True)
class Part:
    """One Parquet file; ``scope`` holds the columns that are the same in all its rows and therefore not in the file."""

    table: str
    file: str
    n_rows: int
    columns: tuple[str, ...]
    scope: dict[str, str]


@dataclass(frozen=True)
class Manifest:
    """What one flush of one job wrote; ``attempt`` orders the tries of jobs by their start."""

    name: str
    job_id: str
    attempt: str
    parts: tuple[Part, ...]

    @property
    def n_rows(self) -> int:
        return sum(part.n_rows for part in self.parts)

    def dumps(self) -> str:
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1)

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """The manifest of a finished folder; SpoolError where it is not one."""
        path = folder / MANIFEST
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            if value.pop("format") != _FORMAT:
                raise SpoolError(f"{path}: written by a later saetui; open the store with that one")
            parts = tuple(Part(**{**part, "columns": tuple(part["columns"])}) for part in value.pop("parts"))
            return cls(**value, parts=parts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SpoolError(f"{path}: not a manifest ({error}); move {folder.name} out of the spool") from error


def held(folder: Path) -> FileLock | None:
    """The lock that a folder being written is held by; None where another process has it, or removes the folder."""
    path = folder / _LOCK
    try:
        lock = FileLock(path)
    except FileNotFoundError:
        return None
    # A lock on a file that has been removed since it was opened keeps nobody away.
    if lock.exclusive() and lock.is_of(path):
        return lock
    lock.close()
    return None


def finished(spool: Path) -> list[Path]:
    """The folders of the spool that wait to be committed, oldest first."""
    try:
        names = sorted(path.name for path in spool.iterdir())
    except FileNotFoundError:
        return []
    return [spool / name for name in names if not name.endswith((WRITING, DONE, REJECTED)) and not name.startswith(".")]
