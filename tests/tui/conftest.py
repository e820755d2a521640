"""Fixtures for the interface: a small study, and its own copy for each test that changes it."""

import shutil
from pathlib import Path

import pytest

from store import Store

from .store_fixture import make_study


@pytest.fixture(scope="session")
def made_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the made-up study; not to be changed."""
    return make_study(tmp_path_factory.mktemp("study") / "store")


@pytest.fixture
def study(made_study: Path, tmp_path: Path) -> Path:
    """A copy of the study that a test may change."""
    return Path(shutil.copytree(made_study, tmp_path / "study"))


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
    return tmp_path / "state"
