"""``saetui toy absorption`` as a newcomer meets it: it fits a terminal of 80 columns and says what was trained."""

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.test_cli import saetui


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    done = saetui("toy", "absorption", home=tmp_path_factory.mktemp("home"))
    assert done.returncode == 0, done.stderr
    assert "training" in done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_fits_80_columns_and_needs_no_colours(page: str) -> None:
    assert max(cell_len(line) for line in page.splitlines()) <= 80
    assert "\x1b" not in page


def _row(page: str, section: str, name: str) -> list[str]:
    """Cells of a map's row in one section of the page."""
    (text,) = re.findall(rf"^{section}  .*?(?=^\d  |\Z)", page, re.DOTALL | re.MULTILINE)
    (line,) = re.findall(rf"^{name} +(.*)$", text, re.MULTILINE)
    return line.split()


def test_maps_show_what_each_latent_reads_and_writes(page: str) -> None:
    assert _row(page, "2", "parent's latent") == ["1.00", "·", "·", "·", "1.00", "·", "·", "·"]
    reads, writes = _row(page, "3", "parent's latent")[:2], _row(page, "3", "child's latent")[4:6]
    assert [float(cell.replace("−", "-")) for cell in reads] == pytest.approx([0.71, -0.71], abs=0.03)
    assert [float(cell) for cell in writes] == pytest.approx([0.71, 0.71], abs=0.03)


def test_the_parents_latent_is_silent_beside_the_child(page: str) -> None:
    assert "parent            1.00 █" in page
    assert "parent and child  ·" in page


def test_the_penalty_falls_with_delta(page: str) -> None:
    penalties = re.findall(r"^ +[01]\.\d\d +\S+ +\S+ +(\d\.\d\d)  [█▒]", page, re.MULTILINE)
    assert penalties == ["2.00", "1.78", "1.62", "1.50", "1.41"]


def test_toys_are_listed(tmp_path: Path) -> None:
    assert "absorption" in saetui("toy", "--help", home=tmp_path).stdout
