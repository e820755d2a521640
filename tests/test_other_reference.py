"""The tests that read the reference hold for any folder of its layout: sizes, names and bounds come from its files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.other_reference import make_reference

ROOT = Path(__file__).parents[1]
READERS = [
    "tests/dark_matter/test_linear_error.py",
    "tests/letters/test_attribution_reference.py",
    "tests/letters/test_authors.py",
    "tests/lm/test_families.py",
    "tests/pursuit/test_reference.py",
    "tests/sae/test_reference.py",
]


def test_all_tests_that_read_the_reference_are_known() -> None:
    reads = ("(shared: Path", "shared: Path,", "tests.reference import")
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if any(text in path.read_text() for text in reads) and path != Path(__file__)
    }
    assert found == set(READERS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_another_reference_passes_the_same_tests(shared: Path, tmp_path: Path, seed: int) -> None:
    make_reference(shared, tmp_path / "shared", seed)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *READERS]
    environment = {**os.environ, "SAETUI_SHARED": str(tmp_path / "shared")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " skipped" not in done.stdout
