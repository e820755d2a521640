"""Plays of what a person writes for ``kill.py``: a recorded session, notes, and exported tables."""

from collections.abc import Callable
from pathlib import Path
from runpy import run_path

from job_scenes import BrokenError
from kit import CHECKOUT

_LINES = [
    "screen letters",
    "letter s",
    "focus letters.latents",
    "latent 18",
    "sort recall up",
    "back",
    "mark latent sae-1024/18",
]
_SQL = "SELECT latent, density FROM latent ORDER BY ALL LIMIT 500"


def before(root: Path) -> None:
    """The made-up study of the interface's tests."""
    import sys

    sys.path.insert(0, str(CHECKOUT))
    run_path(str(CHECKOUT / "tests" / "tui" / "store_fixture.py"))["make_study"](root)


def play_session(root: Path) -> None:
    """Commands are given and recorded, and the session is closed."""
    from saetui.commands.dispatch import dispatch
    from saetui.commands.session import Recorder, fingerprint
    from saetui.workbench.workbench import Workbench

    bench = Workbench.open(root, inline=True)
    bench.recorder = Recorder(root / "sessions", lambda: fingerprint(bench.store))
    for line in _LINES:
        dispatch(bench, line)
    bench.close()


def recover_session(root: Path) -> None:
    from saetui.commands.dispatch import dispatch
    from saetui.commands.session import load
    from saetui.workbench.workbench import Workbench

    paths = sorted((root / "sessions").glob("*")) if (root / "sessions").exists() else []
    if len(paths) > 1:
        raise BrokenError("doubled", f"sessions has {[path.name for path in paths]}")
    verbs = [line.split()[0] for line in _LINES]
    for path in paths:
        if not path.read_bytes():
            continue  # Begun, and nothing in it yet.
        steps = [step.command.verb for step in load(path).steps]
        if steps != verbs[: len(steps)]:
            raise BrokenError("wrong", f"the session has {steps}")
    bench = Workbench.open(root, inline=True)
    notes = bench.store.fetch("SELECT count(*) FROM mark").rows[0][0]
    listed = bench.store.fetch("SELECT count(*) FROM session").rows[0][0]
    dispatch(bench, "screen letters")
    bench.close()
    if notes > 1 or listed > 1:
        raise BrokenError("doubled", f"{notes} notes and {listed} sessions in the store")


def before_export(root: Path) -> None:
    before(root)
    (root.parent / "mine.sql").write_text("SELECT 'mine'")


def play_export(root: Path) -> None:
    """A table is written in three formats."""
    from saetui.workbench.export import export
    from store import Store

    with Store.open(root) as store:
        for name in ("latents.parquet", "latents.csv", "latents.md"):
            export(store, _SQL, {}, root.parent / name)


def recover_export(root: Path) -> None:
    import polars as pl

    folder = root.parent
    whole: dict[str, Callable[[Path], bool]] = {
        "latents.parquet": lambda path: pl.read_parquet(path).height == 500,
        "latents.csv": lambda path: len(path.read_text().splitlines()) == 501,
        "latents.md": lambda path: len(path.read_text().splitlines()) == 502,
    }
    for name, is_whole in whole.items():
        if (folder / name).exists() and not is_whole(folder / name):
            raise BrokenError("wrong", f"{name} is there, but not whole")
    if (folder / "mine.sql").read_text() != "SELECT 'mine'":
        raise BrokenError("lost", "a file of the user's was changed")
    for name in whole:
        (folder / name).unlink(missing_ok=True)
        for beside in folder.glob("latents*.sql"):
            beside.unlink()
    play_export(root)
    if not all(is_whole(folder / name) for name, is_whole in whole.items()):
        raise BrokenError("wrong", "the export cannot be made again")
