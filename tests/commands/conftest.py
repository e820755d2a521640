"""A workbench on the made-up study of the interface's tests; everything happens before dispatch returns."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

import pytest

from saetui.commands.workbench import Workbench
from store import Store


@pytest.fixture(scope="session")
def made_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the made-up study; not to be changed."""
    make_study = run_path(str(Path(__file__).parents[1] / "tui" / "store_fixture.py"))["make_study"]
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
