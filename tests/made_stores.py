"""Stores that tests look at or copy, made once for all processes of a run."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from store import Store


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that ``make`` fills; whoever needs it first makes it, and the others wait."""
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made"
    shared.mkdir(exist_ok=True)
    folder, part = shared / name, shared / f"{name}.part"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(part, ignore_errors=True)
            make(part)
            part.rename(folder)
    return folder


def copy_of(made: Path, to: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, to))


@pytest.fixture(scope="session")
def made_empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with nothing in it; not to be changed."""
    return made_once(tmp_path_factory, "empty", lambda root: Store.open(root, create=True).close())


@pytest.fixture(scope="session")
def made_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the made-up study; not to be changed."""
    from tests.tui.store_fixture import make_study

    return made_once(tmp_path_factory, "study", make_study)


@pytest.fixture(scope="session")
def made_errors(made_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study with its errors; not to be changed."""
    from tests.tui.error_fixture import add_error_study

    return made_once(tmp_path_factory, "errors", lambda root: add_error_study(copy_of(made_study, root)))


@pytest.fixture(scope="session")
def made_everything(made_errors: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study with its errors and pursuits; not to be changed."""
    from tests.tui.pursuit_fixture import add_pursuits

    return made_once(tmp_path_factory, "everything", lambda root: add_pursuits(copy_of(made_errors, root)))


@pytest.fixture(scope="session")
def made_pictured(made_everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that, and two jobs that have ended; not to be changed."""
    from tests.tui.pictures import add_ended_jobs

    return made_once(tmp_path_factory, "pictured", lambda root: add_ended_jobs(copy_of(made_everything, root)))


@pytest.fixture
def empty_store(made_empty: Path, tmp_path: Path) -> Path:
    """A store with nothing in it, which a test may change."""
    return copy_of(made_empty, tmp_path / "empty")


@pytest.fixture
def study(made_study: Path, tmp_path: Path) -> Path:
    """A copy of the study that a test may change."""
    return copy_of(made_study, tmp_path / "study")


@pytest.fixture
def errors(made_errors: Path, tmp_path: Path) -> Path:
    """A copy of the study with its errors."""
    return copy_of(made_errors, tmp_path / "errors")


@pytest.fixture
def everything(made_everything: Path, tmp_path: Path) -> Path:
    """A copy of it with its errors and pursuits."""
    return copy_of(made_everything, tmp_path / "everything")
