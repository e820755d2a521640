"""A bug in saetui: the terminal is as it was, the traceback is kept, and the exit code is 1."""

import sys
from pathlib import Path

import pytest

from .terminal import Terminal

RUN = """
import sys; from pathlib import Path; from saetui.tui.start import run
from saetui.workbench.workbench import Workbench
from saetui.tui.jobs.screen import JobsScreen
def broken(*_): raise AssertionError("no such turn")
if sys.argv[2] == "poll":
    Workbench._look_at_jobs = broken
elif sys.argv[2] == "background":
    from saetui.workbench.view import View
    View.digest = broken
elif sys.argv[2] == "thread":
    from saetui.tui.table.window_reader import WindowReader
    WindowReader.read = broken
else:
    JobsScreen.jobs_changed = broken
sys.exit(run(Path(sys.argv[1])))
"""


def end_of(study: Path, home: Path, where: str, keys: str) -> None:
    terminal = Terminal([sys.executable, "-c", RUN, study, where])
    try:
        if keys:
            terminal.wait_for("help")
            terminal.type(keys)
        assert terminal.wait() == 1
        assert terminal.restored()
        assert "AssertionError: no such turn" in terminal.last_words
        assert "bug in saetui" in terminal.last_words
        assert "no such turn" in (home / "saetui" / "crash.log").read_text()
    finally:
        terminal.close()


@pytest.mark.slow
def test_a_fault_in_a_screen_ends_it(study: Path, home: Path) -> None:
    end_of(study, home, "screen", "7")


@pytest.mark.slow
def test_a_fault_while_polling_ends_it(study: Path, home: Path) -> None:
    end_of(study, home, "poll", "")


@pytest.mark.slow
def test_a_fault_in_a_reading_thread_ends_it(study: Path, home: Path) -> None:
    end_of(study, home, "thread", "")


@pytest.mark.slow
def test_a_fault_beside_the_interface_ends_it(study: Path, home: Path) -> None:
    end_of(study, home, "background", "7")
