"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

# A folder beside the checkout with reference outputs and real inputs; tests that need it skip where it is absent.
_SHARED = Path(os.environ.get("SAETUI_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference inputs and outputs."""
    if not _SHARED.is_dir():
        pytest.skip(f"{_SHARED} is not there")
    return _SHARED
