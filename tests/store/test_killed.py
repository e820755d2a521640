"""Whatever is killed, and at whatever step: every finished result is in the store once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from store.schema import newest_version

PLAYER = Path(__file__).with_name("killed.py")

# Steps that each scene must at least have had; all others are found by themselves.
EXPECTED = {
    "flush": {"folder made", "part written", "manifest written", "result finished"},
    "commit": {"room asked for", "sql BEGIN", "rows inserted", "commit logged", "sql COMMIT", "sql close"},
    "write": {"room asked for", "sql BEGIN", "revision written", "sql COMMIT", "sql close"},
    "create": {"schema changed", "schema committed", "sql CHECKPOINT", "database looked at", "os.rename saetui.new"},
    "upgrade": {"copy written", "schema changed", "schema committed", f"os.rename saetui.v{newest_version()}.part"},
    "bulk": set(),
}


@pytest.mark.slow
@pytest.mark.parametrize("scene", EXPECTED)
def test_recovers_from_a_kill_at_every_step(scene: str, tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, str(PLAYER), scene, str(tmp_path / "folder")], capture_output=True, text=True, timeout=240
    )
    assert played.returncode == 0, played.stderr[-4000:]
    steps = json.loads(played.stdout.splitlines()[-1])
    assert EXPECTED[scene] <= set(steps)
    assert len(steps) >= 8
