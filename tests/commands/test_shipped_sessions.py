"""The example sessions, done again on the study that they were recorded on."""

from pathlib import Path

import pytest

from saetui.commands.session import load, replay
from saetui.workbench.workbench import Workbench

SESSIONS = sorted((Path(__file__).parents[2] / "sessions").glob("*.jsonl"))


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_shows_what_it_showed(path: Path, study: Path) -> None:
    session = load(path)
    assert session.steps
    bench = Workbench.open(study, inline=True)
    try:
        assert replay(session, bench) == []
    finally:
        bench.close()
