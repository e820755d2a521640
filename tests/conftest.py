"""Fixtures shared by all tests."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from saetui.workbench.workbench import Workbench
from tests.left_processes import pytest_configure, pytest_sessionfinish, pytest_terminal_summary
from tests.made_stores import (
    empty_store,
    errors,
    everything,
    made_empty,
    made_errors,
    made_everything,
    made_pictured,
    made_study,
    study,
)
from tests.reference import SHARED

__all__ = [
    "empty_store",
    "errors",
    "everything",
    "made_empty",
    "made_errors",
    "made_everything",
    "made_pictured",
    "made_study",
    "pytest_configure",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "study",
]


def pytest_collection_finish() -> None:
    """Leave what has been imported out of garbage collection: looking through it took a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


@pytest.fixture(scope="session", autouse=True)
def state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps what saetui remembers of its user (the secret that marks jobs) out of the real home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference inputs and outputs."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    return SHARED


@pytest.fixture
def bench(study: Path) -> Iterator[Workbench]:
    """A workbench of a study of its own."""
    bench = Workbench.open(study, inline=True)
    yield bench
    bench.close()


@pytest.fixture
def empty_bench(empty_store: Path) -> Iterator[Workbench]:
    """A workbench on a store with nothing in it."""
    bench = Workbench.open(empty_store, inline=True)
    yield bench
    bench.close()
