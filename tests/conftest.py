"""Fixtures shared by all tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

import pytest

from saetui.workbench.workbench import Workbench
from store import Store
from tests.left_processes import pytest_configure, pytest_sessionfinish, pytest_terminal_summary
from tests.reference import SHARED

__all__ = ["pytest_configure", "pytest_sessionfinish", "pytest_terminal_summary"]


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


@pytest.fixture(scope="session")
def made_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the made-up study; not to be changed."""
    make_study = run_path(str(Path(__file__).parents[0] / "tui" / "store_fixture.py"))["make_study"]
    made: Path = make_study(tmp_path_factory.mktemp("study") / "store")
    return made


@pytest.fixture
def bench(made_study: Path, tmp_path: Path) -> Iterator[Workbench]:
    """A workbench of its own copy."""
    bench = Workbench.open(Path(shutil.copytree(made_study, tmp_path / "study")), inline=True)
    yield bench
    bench.close()


@pytest.fixture
def empty_bench(tmp_path: Path) -> Iterator[Workbench]:
    """A workbench on a store with nothing in it."""
    Store.open(tmp_path / "empty", create=True).close()
    bench = Workbench.open(tmp_path / "empty", inline=True)
    yield bench
    bench.close()
