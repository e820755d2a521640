"""The example sessions, done again on the study that they were recorded on."""

from pathlib import Path

import pytest

from saetui.commands.session import load, replay
from saetui.workbench.workbench import Workbench
from tests.tui.store_fixture import make_study

SESSIONS = sorted((Path(__file__).parents[2] / "sessions").glob("*.jsonl"))


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_shows_what_it_showed(path: Path, tmp_path: Path) -> None:
    session = load(path)
    assert session.steps
    bench = Workbench.open(make_study(tmp_path / "study"), inline=True)
    try:
        assert replay(session, bench) == []
    finally:
        bench.close()
