"""Processes that tests started and left running: found at the end of a run, ended, and named.

Every process inherits the environment that it was started with, also one that no longer has a parent: the mark of this
run, and pytest's own note of the test under way. Workers of pytest-xdist have no such note, they start no tests' work.
"""

import contextlib
import os
from uuid import uuid4

import psutil
import pytest

MARK = "SAETUI_TEST_RUN"
# What ends by itself within this time was not left.
PATIENCE_S = 3.0
_LEFT = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    # A worker of pytest-xdist, and a pytest that a test runs, belong to the run that is marked already.
    if MARK not in os.environ:
        os.environ[MARK] = uuid4().hex
        config.stash[_LEFT] = []


def left_by_tests(mark: str) -> dict[psutil.Process, str]:
    """Living processes of a run and the test that started each."""
    found: dict[psutil.Process, str] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            test = environment.get("PYTEST_CURRENT_TEST")
            if test and environment.get(MARK) == mark and process.pid != os.getpid():
                found[process] = test
    return found


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    left = session.config.stash.get(_LEFT, None)
    if left is None:
        return
    mark = os.environ.pop(MARK)
    tests = left_by_tests(mark)
    _, living = psutil.wait_procs(list(tests), timeout=PATIENCE_S)
    for process in living:
        with contextlib.suppress(psutil.Error):
            left.append(f"{tests[process]}: process {process.pid}, {' '.join(process.cmdline())[:200]}")
            process.kill()
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left = config.stash.get(_LEFT, None)
    if left:
        terminalreporter.section("processes that tests left running", red=True, bold=True)
        for line in sorted(left):
            terminalreporter.write_line(line, red=True)
