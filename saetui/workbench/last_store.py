"""Which store a bare ``saetui`` opens, and where the demo's store is."""

import os
from pathlib import Path

from platformdirs import user_data_path, user_state_path

from saetui.plain_files import read_file
from saetui.workbench.exceptions import CommandError

# The longest path of any system.
_LONGEST = 32_768


def demo_store() -> Path:
    """The folder of the demo study where none is named."""
    return user_data_path("saetui") / "demo"


def last_store() -> Path:
    """The store opened last; else the demo's, where that exists.

    Raises CommandError where no store was opened yet.
    """
    try:
        remembered = read_file(_memory(), _LONGEST).removesuffix(b"\n")
    except OSError:
        remembered = b""
    # A damaged file, e.g. one that the machine stopped in the middle of writing, counts as none.
    path = Path(os.fsdecode(remembered)) if remembered.startswith(b"/") and b"\0" not in remembered else demo_store()
    if not path.is_dir():
        raise CommandError(f"{path}: this store is not there; open one with `saetui open STORE`, or try `saetui demo`")
    return path


def remember_store(path: Path) -> None:
    """Make a store the one that a bare ``saetui`` opens; a read-only home folder only means that it is forgotten."""
    memory = _memory()
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        part = memory.with_suffix(f".{os.getpid()}")
        part.write_bytes(os.fsencode(path.resolve()) + b"\n")
        part.replace(memory)
    except OSError:
        pass


def _memory() -> Path:
    return user_state_path("saetui") / "last_store"
