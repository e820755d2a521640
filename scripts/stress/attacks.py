"""What a stranger can put into a store that he gives away; each attack changes a copy of a good store.

``outside`` is a folder of the victim's beside the store, with files that nobody may read, write, rename or remove.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

Attack = Callable[[Path, Path], None]
ATTACKS: dict[str, Attack] = {}
HOSTILE = "evil\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt.exe\u2066\u200b\u2028\x85name"
JOB = "20260101-000000-000000-aaaa"


def attack(name: str) -> Callable[[Attack], Attack]:
    def add(function: Attack) -> Attack:
        ATTACKS[name] = function
        return function

    return add


def result(root: Path, change: Callable[[dict[str, Any], Path], None], job: str = "job-x") -> Path:
    """A finished result in the spool, whose manifest is then changed; its folder."""
    from store import Spool

    with Spool(root, job) as spool:
        spool.add("letter_latent", [_letter_row()])
        name = spool.flush()
    assert name is not None
    folder = root / "spool" / name
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest, folder)
    path.write_text(json.dumps(manifest))
    return folder


def _letter_row() -> dict[str, Any]:
    from store.tables import columns_of

    values: dict[str, Any] = {"sae_id": "sae-64", "probe_id": "probe-1", "letter": "s"}
    for name in columns_of("letter_latent").required - set(values):
        values[name] = 1
    return values


def write(root: Path, sql: str) -> None:
    """Change the database, as its maker may."""
    with duckdb.connect(str(root / "saetui.duckdb")) as connection:
        connection.execute(sql)


def job(root: Path, outside: Path, job_id: str = JOB, **changes: Any) -> Path:
    """A queued job, as the stranger's machine would have written it, with changes."""
    import platform

    folder = root / "jobs" / job_id
    (folder / "out").mkdir(parents=True)
    spec = {"schema": 1, "kind": "rows", "label": "theirs", "flushes": 1, "pause_s": 0.0, "needs": ""}
    state = {
        "job_id": job_id, "kind": "rows", "title": "theirs", "state": "queued", "device": "cpu",
        "host": platform.node(), "content_hash": "0" * 32, "created": 1767225600.0, "after": [], "retry_of": None,
        "started": None, "ended": None, "message": None, "hint": None, "worker": None,
    }  # fmt: skip
    (folder / "spec.json").write_text(json.dumps(spec))
    (folder / "state.json").write_text(json.dumps(state | changes))
    (folder / "lock").touch()
    (folder / "log.txt").write_text("a line\n")
    return folder


def replace_by_link(path: Path, target: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
