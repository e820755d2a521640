"""Files of a store as plain files: a store may come from a stranger, so no link in it is followed.

The store's own folder may be reached through links, since its user named it; everything below it is checked.
"""

import errno
import os
import stat
from pathlib import Path

from store.exceptions import StoreUnreadable
from store.trouble import refusal

# Larger than any small file of a store (manifests, states, notes of leases).
SMALL = 16 << 20


def check_plain(root: Path, path: Path) -> None:
    """Raise StoreUnreadable where anything from ``root`` (itself excluded) down to ``path`` is a link.

    What does not exist is plain; StoreError where that cannot be seen. A path that leaves ``root`` is refused as well.
    """
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ("..",)
    if ".." in parts:
        raise StoreUnreadable(f"{path}: lies outside the store {root}; a store keeps its files in its own folder")
    step = root
    for part in parts:
        step = step / part
        try:
            mode = os.lstat(step).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise refusal(step, error) from error
        if stat.S_ISLNK(mode):
            raise StoreUnreadable(
                f"{step}: is a link; a store keeps its files in its own folder: put what it points to in its place"
            )


def is_plain_folder(path: Path) -> bool:
    """Whether a folder is there, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def is_plain_file(path: Path) -> bool:
    """Whether an ordinary file is there, and not a link, a pipe or a device."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def open_plain(path: Path, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
    """A descriptor of an ordinary file; OSError (ELOOP) where the last part of its path is a link, pipe or device.

    Never waits: a pipe is opened without its other end, and then refused.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ELOOP, "not an ordinary file", str(path))
    return descriptor


def read_plain(path: Path, limit: int = SMALL) -> bytes:
    """The content of an ordinary file of at most ``limit`` bytes; OSError (EFBIG) where it is larger."""
    with os.fdopen(open_plain(path), "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return content
