"""Fixtures for the interface: a home of its own for each test, and no reading of the store on its thread."""

import asyncio
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import duckdb
import pytest

from saetui.tui.drawing.depth import Depth, use_depth
from store.reads import Reads

T = TypeVar("T")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, so that histories and copies do not meet the user's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    # The terminal of a test has all colours, whatever runs the tests; the last app's terminal is not this test's.
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    use_depth(Depth.FULL)
    return tmp_path / "state"


def _asked_by_the_interface() -> bool:
    """Whether the caller is a handler of the app, in the thread of its event loop; tests themselves may read there."""
    if asyncio._get_running_loop() is None:
        return False
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").startswith(("textual.", "saetui.tui.")):
            return True
        frame = frame.f_back
    return False


@pytest.fixture(autouse=True)
def store_reads_on_the_interface(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Makes a read of the store in the interface's own thread fail, and the test with it; holds the places of such."""
    found: list[str] = []
    run = Reads.run

    def guarded(self: Reads, task: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        if _asked_by_the_interface():
            frames = [frame for frame, _ in traceback.walk_stack(None)]
            places = [f"{f.f_code.co_filename}:{f.f_lineno} {f.f_code.co_qualname}" for f in frames]
            found.append("\n".join(place for place in places if "/saetui/" in place))
            raise AssertionError(f"the store is read in the interface's own thread:\n{found[-1]}")
        return run(self, task)

    monkeypatch.setattr(Reads, "run", guarded)
    yield found
    assert found == []
