"""Every screen looks as its snapshot does, at three sizes; `scripts/screenshots --renew` writes them after a change."""

from pathlib import Path

import pytest

from saetui.workbench.screens import screens
from tests.made_stores import copy_of
from tests.tui.pictures import CHOSEN, SIZES, SNAPSHOTS, snapshot, take


@pytest.fixture(scope="module")
def pictured_store(made_pictured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of(made_pictured, tmp_path_factory.mktemp("pictured") / "store")


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_screen_looks_as_its_snapshot(pictured_store: Path, size: tuple[int, int]) -> None:
    for screen, picture in (await take(pictured_store, size, list(screens()), CHOSEN)).items():
        kept = snapshot(screen, size)
        assert kept.is_file(), f"{kept.name} is missing; write it with scripts/screenshots --renew"
        assert picture.text == kept.read_text(), f"{kept.name} differs; if it should: scripts/screenshots --renew"
        assert picture.svg.startswith("<svg")


def test_there_is_no_snapshot_of_a_screen_that_is_gone() -> None:
    assert {path.name for path in SNAPSHOTS.iterdir()} == {snapshot(s, size).name for s in screens() for size in SIZES}
