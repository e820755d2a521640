"""What a disk, or a folder that was moved or damaged, can do, in words a user can act on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.exceptions import StoreError, StoreUnreadable

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_LINK = {errno.ELOOP, errno.ENXIO}


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Let what the system refuses in the block end in a StoreError that names the file and says what to do."""
    try:
        yield
    except OSError as error:
        raise refusal(path, error) from error


def refusal(path: Path, error: OSError) -> StoreError:
    """The StoreError for an OSError about a file below ``path``."""
    name = error.filename if isinstance(error.filename, str | Path) else path
    if error.errno in FULL:
        return StoreError(f"{name}: the disk is full; make room there and try again")
    if error.errno in _GONE:
        return StoreUnreadable(f"{name}: is not there; was the store moved or deleted? open it where it is now")
    if error.errno in _DENIED:
        return StoreUnreadable(f"{name}: may not be read or written ({error.strerror}); ask its owner for access")
    if error.errno in _LINK:
        return StoreUnreadable(f"{name}: is a link, a pipe or a device; a store keeps ordinary files in its own folder")
    return StoreUnreadable(f"{name}: cannot be used ({error.strerror or type(error).__name__}); try again later")
