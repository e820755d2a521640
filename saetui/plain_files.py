"""Files that a person names (a spec, a corpus): links are followed, but only to ordinary files of sane size."""

import errno
import os
import stat
from pathlib import Path

# No configuration, specification or session is longer.
SMALL = 64 << 20


def require_plain_file(path: Path) -> None:
    """OSError where the path leads to a pipe, a device, a socket or a folder; reading one could wait forever."""
    _require_plain(os.stat(path).st_mode, path)


def read_file(path: Path, limit: int = SMALL) -> bytes:
    """The content of an ordinary file (or a link to one) of at most ``limit`` bytes.

    OSError: EINVAL for a pipe or device, EFBIG for a larger file, or what opening it gave.
    """
    # Opened before it is looked at, so that it cannot be exchanged between; without waiting for a pipe's other end.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        _require_plain(os.fstat(descriptor).st_mode, path)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"is larger than {limit:,} bytes", str(path))
    return content


def _require_plain(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is a pipe or a device, not a file", str(path))
