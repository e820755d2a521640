"""What a bug leaves behind: its traceback in a file, and a message about it."""

import traceback
from datetime import datetime
from pathlib import Path

from textual.worker import WorkerFailed

import saetui
from saetui.visible import visible_lines

# The file keeps the last tracebacks only.
_KEPT_BYTES = 200_000


def crash_file() -> Path:
    """Where tracebacks are kept."""
    from platformdirs import user_state_path

    return user_state_path("saetui") / "crash.log"


def crash_report(error: BaseException) -> str:
    """Write a bug's traceback to the file; return the text to show for it, with the traceback."""
    if isinstance(error, WorkerFailed):
        error = error.error
    trace = visible_lines("".join(traceback.format_exception(error)))
    path = crash_file()
    entry = f"{datetime.now().astimezone().isoformat(timespec='seconds')} saetui {saetui.__version__}\n{trace}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8", errors="replace")[-_KEPT_BYTES:] if path.exists() else ""
        path.write_text(before + entry, encoding="utf-8")
        where = f"The same is in {path}; please send it to the authors of saetui."
    except OSError as problem:
        where = f"{path} could not be written ({problem.strerror})."
    return f"{trace}\nsaetui: this is a bug in saetui, which has ended; jobs go on. {where}"
