"""What is said where a bug has ended the interface."""

from textual.worker import WorkerFailed

from saetui.crash_log import crash_file, keep_traceback, traceback_of


def crash_report(error: BaseException) -> str:
    """Write a bug's traceback to the file; return the text to show for it, with the traceback."""
    if isinstance(error, WorkerFailed):
        error = error.error
    try:
        where = f"The same is in {keep_traceback(error)}; please send it to the authors of saetui."
    except OSError as problem:
        where = f"{crash_file()} could not be written ({problem.strerror})."
    return f"{traceback_of(error)}\nsaetui: this is a bug in saetui, which has ended; jobs go on. {where}"
