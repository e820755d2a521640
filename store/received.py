"""Whether a store's folder can be trusted to be one: it may come from a stranger, so that no link in it is followed."""

import os
from pathlib import Path

from store.exceptions import StoreUnreadable
from store.folder import DATABASE, Folder
from store.plain import check_plain, is_plain_file, is_plain_folder

# The database, its log, its folder for what does not fit in the memory, and the copies of older schemas.
_PREFIX = DATABASE.partition(".")[0] + "."


def check_folder(folder: Folder) -> None:
    """StoreUnreadable where something that a store reads or writes is a link, or is not what it should be.

    OSError where the folder cannot be listed.
    """
    for path in (folder.spool, folder.tensors, folder.jobs, folder.locks):
        check_plain(folder.root, path)
    if os.path.lexists(folder.locks) and not is_plain_folder(folder.locks):
        raise StoreUnreadable(f"{folder.locks}: is not a folder, but a store keeps one there; move it away")
    for path in (folder.commit_lock, folder.readers_lock, folder.request, folder.clock):
        _check_file(folder.root, path)
    with os.scandir(folder.root) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(_PREFIX)]
    for name in names:
        if name.endswith(".tmp"):
            _check_spill(folder.root, folder.root / name)
        else:
            _check_file(folder.root, folder.root / name)


def _check_spill(root: Path, path: Path) -> None:
    check_plain(root, path)
    if not is_plain_folder(path):
        raise StoreUnreadable(f"{path}: is not a folder, but DuckDB keeps one there; remove it")
    for name in os.listdir(path):
        _check_file(root, path / name)


def _check_file(root: Path, path: Path) -> None:
    check_plain(root, path)
    if os.path.lexists(path) and not is_plain_file(path):
        raise StoreUnreadable(f"{path}: is not an ordinary file, as a store has there; remove it")
