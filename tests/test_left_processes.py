"""A process that a test leaves running fails the run, is named, and is gone; also from a worker of pytest-xdist."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.left_processes import MARK

ROOT = Path(__file__).parents[1]
CONFTEST = """
from tests.left_processes import pytest_configure, pytest_sessionfinish, pytest_terminal_summary
"""
TESTS = """
import subprocess, sys
from pathlib import Path

def test_leaves_one():
    code = "import os, time; os.setsid(); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=False)
    Path("pid").write_text(str(process.pid))

def test_ends_what_it_starts():
    subprocess.run([sys.executable, "-c", "pass"], check=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_a_left_process_is_named_and_ended_and_fails_the_run(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_toy.py").write_text(TESTS)
    outer = {name: value for name, value in os.environ.items() if name != MARK and not name.startswith("PYTEST_")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_toy.py"],
        cwd=tmp_path,
        env={**outer, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    pid = int((tmp_path / "pid").read_text())
    assert "2 passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert f"test_toy.py::test_leaves_one (call): process {pid}" in run.stdout
    assert run.stdout.count(": process ") == 1
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
