"""Which files of a folder are read as a corpus; light, so that the queue of jobs can ask as well."""

import os
import stat
from pathlib import Path

from saetui.exceptions import SaetuiError

TEXT_SUFFIXES = frozenset({".txt", ".md", ".rst", ".text"})
JSON_LINES = frozenset({".jsonl", ".ndjson"})
# A folder with more files is rather somebody's whole disk.
MAX_FILES = 100_000


class TooManyFilesError(SaetuiError):
    """A folder holds more text files than a corpus may have."""


def text_files(folder: Path) -> list[Path]:
    """The text files in a folder and those below it, in a fixed order; suffixes in any case.

    Links to files are followed, links to folders are not. A pipe, a socket or a device is never one of them.

    Raises:
        TooManyFilesError: there are more than ``MAX_FILES``.
    """
    found: list[Path] = []
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            if path.suffix.lower() in TEXT_SUFFIXES | JSON_LINES and _is_file(path):
                found.append(path)
                if len(found) > MAX_FILES:
                    raise TooManyFilesError(f"{folder} has more than {MAX_FILES:,} text files")
    return sorted(found)


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
