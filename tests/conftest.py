"""Fixtures shared by all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# A folder beside the checkout with reference outputs and real inputs; tests that need it skip where it is absent.
_SHARED = Path(os.environ.get("SAETUI_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session", autouse=True)
def state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps what saetui remembers of its user (the secret that marks jobs) out of the real home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference inputs and outputs."""
    if not _SHARED.is_dir():
        pytest.skip(f"{_SHARED} is not there")
    return _SHARED
