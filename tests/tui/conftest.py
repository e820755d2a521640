"""Fixtures for the interface: a small study, and its own copy for each test that changes it."""

import asyncio
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import duckdb
import pytest

from saetui.tui.drawing.depth import Depth, use_depth
from store import Store
from store.reads import Reads

from .error_fixture import add_error_study
from .pursuit_fixture import add_pursuits
from .store_fixture import make_study

T = TypeVar("T")


@pytest.fixture(scope="session")
def made_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the made-up study; not to be changed."""
    return make_study(tmp_path_factory.mktemp("study") / "store")


@pytest.fixture
def study(made_study: Path, tmp_path: Path) -> Path:
    """A copy of the study that a test may change."""
    return Path(shutil.copytree(made_study, tmp_path / "study"))


@pytest.fixture(scope="session")
def made_everything(made_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study with its errors and pursuits; not to be changed."""
    return add_pursuits(add_error_study(Path(shutil.copytree(made_study, tmp_path_factory.mktemp("all") / "store"))))


@pytest.fixture
def everything(made_everything: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(made_everything, tmp_path / "everything"))


@pytest.fixture
def empty_store(tmp_path: Path) -> Path:
    """A store with nothing in it."""
    Store.open(tmp_path / "empty", create=True).close()
    return tmp_path / "empty"


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
