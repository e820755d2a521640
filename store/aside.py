"""Results that do not fit the store: set aside in the spool with their reason, so that all later ones come in."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from store.exceptions import StoreError, StoreUnreadable
from store.folder import Folder
from store.manifest import JOB_ID, MANIFEST, REJECTED
from store.plain import check_plain, is_plain_folder, read_plain

_REASON = "error.txt"
_UNKNOWN = "?"
# The longest name that is kept; what is longer is cut, so that its ending still fits.
_LONGEST = 200
_REASON_BYTES = 1 << 16
# Even in a damaged manifest the job's id may still be readable.
_JOB = re.compile(rb'"job_id"\s*:\s*"(' + JOB_ID.pattern.encode() + rb')"')


@dataclass(frozen=True)
class Rejection:
    """A result that does not fit the store, kept in the spool under ``name``; ``job_id`` is "?" where it is unknown."""

    name: str
    job_id: str
    reason: str


def set_aside(root: Path | str) -> list[Rejection]:
    """The results of a store that were set aside, by name, with the jobs that made them; needs no database.

    StoreError where the spool cannot be listed.
    """
    spool = Folder(Path(root)).spool
    check_plain(spool.parent, spool)
    try:
        names = sorted(name for name in os.listdir(spool) if name.endswith(REJECTED))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreUnreadable(
            f"{spool}: cannot be listed ({error.strerror or error}); ask its owner for access"
        ) from error
    return [Rejection(name, job_of(spool / name), _reason_in(spool / name)) for name in names]


def put_aside(path: Path, reason: str) -> Rejection:
    """Take a file or folder out of the way of the spool, whatever it is, and write its reason down.

    No link is followed. StoreError where nothing can be moved there, FileNotFoundError where it is gone.
    """
    job_id, stem = job_of(path), os.fsdecode(os.fsencode(path.name)[:_LONGEST])
    try:
        os.lstat(path)
        for number in count():
            kept = path.with_name(f"{stem}{f'.{number}' if number else ''}{REJECTED}")
            if not os.path.lexists(kept):
                break
        if is_plain_folder(path):
            _write_reason(path, reason)
            os.rename(path, kept)
        else:
            os.mkdir(kept)
            _write_reason(kept, reason)
            os.rename(path, kept / stem)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"{path}: cannot be set aside ({error.strerror or error})") from error
    return Rejection(kept.name, job_id, first_line(reason))


def job_of(folder: Path) -> str:
    """The job that a folder of the spool says it is of; "?" where it does not say."""
    if is_plain_folder(folder):
        with suppress(OSError):
            if found := _JOB.search(read_plain(folder / MANIFEST)):
                return found[1].decode()
    return _UNKNOWN


def first_line(text: object) -> str:
    """The first line of a message, of a length that can be shown."""
    line = str(text).strip().partition("\n")[0]
    return line if len(line) <= 500 else line[:499] + "…"


def _write_reason(folder: Path, reason: str) -> None:
    """Put a new file in the place of whatever has its name; failing to write a reason does not stop anything."""
    part = folder / f".{_REASON}.{os.getpid()}"
    with suppress(OSError):
        part.unlink(missing_ok=True)
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            os.write(file, f"{reason}\n".encode(errors="replace"))
        finally:
            os.close(file)
        os.replace(part, folder / _REASON)


def _reason_in(folder: Path) -> str:
    try:
        if not is_plain_folder(folder):
            return "is not a folder of a result"
        text = read_plain(folder / _REASON, _REASON_BYTES).decode(errors="replace")
    except OSError as error:
        return f"its reason cannot be read ({error.strerror or error})"
    return first_line(text) or "no reason is written down"
