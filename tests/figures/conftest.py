"""The made-up studies, opened once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store
from tests.figures.made import make_store
from tests.figures.made_errors import add_errors, add_further_parts, compare_words


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the made-up studies; not to be changed."""
    return compare_words(make_store(tmp_path_factory.mktemp("figures") / "store", add_errors, add_further_parts))


@pytest.fixture(scope="session")
def study(made: Path) -> Iterator[Store]:
    """The made-up studies."""
    with Store.open(made) as store:
        yield store


@pytest.fixture
def empty(empty_store: Path) -> Iterator[Store]:
    """A store with nothing in it."""
    with Store.open(empty_store) as store:
        yield store
