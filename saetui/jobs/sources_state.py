"""The state of the files that a job reads: the same text for the same content, another one after an edit. No science.

It is taken when a job starts, and compared when the same spec is submitted again: names in a spec may mean what jobs
before it have yet to make, so that the state at the time of submission says little.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from saetui.jobs.specs import RESERVED, Spec
from saetui.lookup import meant
from saetui.plain_data import parse_json
from saetui.plain_files import read_file
from saetui.text_files import TooManyFilesError, text_files
from store.exceptions import StoreUnreadable
from store.plain import check_plain, is_plain_file, is_plain_folder, read_plain

SAE_FOLDER = Path("tensors", "sae")
ALL = "*"
# What decides the figures of a study; our own workbench.json holds names and metrics, and is not among it.
_SAE_FILES = ("cfg.json", "sae_weights.safetensors")
_WORKBENCH = "workbench.json"
# Up to so many bytes the content itself is read; beyond, sizes and times stand for it.
CONTENT_BYTES = 16 << 20


def fingerprint(spec: Spec, store_root: Path) -> str:
    """The files that a spec names: its model folder, its corpus, and its SAEs in the store; "" where it names none.

    Names on the hub, "embedded" and "stdlib" give nothing. What is missing or cannot be read is not an error here, for
    the job itself says it best.
    """
    states = {name: path_state(getattr(spec, name)) for name in spec.paths}
    listed = [name for field in ("saes", "earlier_saes") for name in getattr(spec, field, ())]
    names = (*listed, *([spec.sae] if hasattr(spec, "sae") else ()))
    for folder in _named_folders(store_root, names):
        states[f"sae {folder.name}"] = sae_state(store_root, folder.name)
    known = {name: state for name, state in states.items() if state}
    return _hash(json.dumps(known, sort_keys=True)) if known else ""


def path_state(source: str) -> str:
    """The state of a model's folder, or of a corpus's file or folder; "" where ``source`` is not a path that exists."""
    if source in RESERVED or "\0" in source:
        return ""
    try:
        path = Path(source).expanduser()
        if path.is_dir():
            return _state(path, _files_of(path))
        return _state(path.parent, [path]) if path.exists() else ""
    except (OSError, RuntimeError):  # RuntimeError: the home folder of ~user is not known.
        return ""


def sae_state(store_root: Path, sae_id: str) -> str:
    """The state of an SAE's folder in the store; "" where it is none. Links in a store are not followed."""
    folder = store_root / SAE_FOLDER / sae_id
    if not _is_plain(store_root, folder):
        return ""
    return _state(folder, [path for name in _SAE_FILES if is_plain_file(path := folder / name)])


def _files_of(folder: Path) -> list[Path]:
    """The files of a model's folder (what lies right in it), and of a corpus's (texts, also further below)."""
    model = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()]
    try:
        return sorted({*model, *text_files(folder)})
    except TooManyFilesError:
        return sorted(model)


def _state(root: Path, files: Iterable[Path]) -> str:
    seen: list[tuple[str, Path, os.stat_result]] = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            seen.append((os.fsencode(path.relative_to(root)).hex(), path, status))
    small = sum(status.st_size for _, _, status in seen) <= CONTENT_BYTES
    return _hash(json.dumps([[name, _file_state(path, status, small=small)] for name, path, status in seen]))


def _file_state(path: Path, status: os.stat_result, *, small: bool) -> str:
    if small:
        try:
            return hashlib.sha256(read_file(path, CONTENT_BYTES)).hexdigest()
        except OSError:
            pass
    # The time of the last change of the inode cannot be set back, as that of the content can.
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def _is_plain(store_root: Path, folder: Path) -> bool:
    """Whether a folder of the store is there, and no link on the way to it."""
    try:
        check_plain(store_root, folder)
    except StoreUnreadable:
        return False
    return is_plain_folder(folder)


def sae_names(store_root: Path) -> dict[str, str]:
    """The names of the SAEs whose folders are in a store, by id; an SAE without a name goes by its id."""
    return {path.name: _name_of(path) or path.name for path in _sae_folders(store_root)}


def _named_folders(store_root: Path, names: tuple[str, ...]) -> list[Path]:
    folders = _sae_folders(store_root) if names else []
    if ALL in names:
        return folders
    named = [(path.name, _name_of(path) or path.name) for path in folders]
    wanted = {sae_id for name in names for sae_id, _ in meant(name, named, tuple)}
    return [path for path in folders if path.name in wanted]


def _sae_folders(store_root: Path) -> list[Path]:
    root = store_root / SAE_FOLDER
    if not _is_plain(store_root, root):
        return []
    try:
        return sorted(path for path in root.iterdir() if not path.name.startswith(".") and is_plain_folder(path))
    except OSError:
        return []


def _name_of(folder: Path) -> str | None:
    """The name in an SAE's workbench.json; None where there is none, or the file is damaged."""
    try:
        found = parse_json(read_plain(folder / _WORKBENCH))
    except (OSError, ValueError):
        return None
    name = found.get("name") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
