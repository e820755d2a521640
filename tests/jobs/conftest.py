"""Stores with real workers, which are ended with the test that started them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from saetui.jobs import JobClient

from .harness import end_workers

HERE = Path(__file__).parent


@pytest.fixture
def toy_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adds the kinds of ``toy_tasks.py``, here and in the workers started from here."""
    monkeypatch.setenv("SAETUI_TASKS", "toy_tasks")
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def store_root(tmp_path: Path, toy_tasks: None) -> Iterator[Path]:
    root = tmp_path / "store"
    root.mkdir()
    yield root
    end_workers(root)


@pytest.fixture
def client(store_root: Path) -> JobClient:
    return JobClient(store_root, idle_s=30, grace_s=0.5)
