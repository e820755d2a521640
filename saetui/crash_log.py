"""The file in which the tracebacks of bugs are kept, those of the interface and of the command line alike."""

import traceback
from datetime import datetime
from pathlib import Path

import saetui
from saetui.visible import visible_lines

# The file keeps the last tracebacks only.
_KEPT_BYTES = 200_000


def crash_file() -> Path:
    """Where tracebacks are kept."""
    from platformdirs import user_state_path

    return user_state_path("saetui") / "crash.log"


def traceback_of(error: BaseException) -> str:
    """An error's traceback, safe to show."""
    return visible_lines("".join(traceback.format_exception(error)))


def keep_traceback(error: BaseException) -> Path:
    """Add an error's traceback to the file; return its path.

    Raises:
        OSError: the file cannot be written.
    """
    path = crash_file()
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8", errors="replace")[-_KEPT_BYTES:] if path.exists() else ""
    path.write_text(f"{before}{when} saetui {saetui.__version__}\n{traceback_of(error)}\n", encoding="utf-8")
    return path
