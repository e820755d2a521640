"""Pictures of every screen on the made-up study, as text and as SVG; the same on every machine, at any time.

A program as well, run by ``scripts/screenshots``; the text pictures in ``snapshots/`` are compared in the tests.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from saetui.jobs import parse_spec
from saetui.jobs.devices import Device
from saetui.jobs.folder import JobFolder, Record, State
from saetui.workbench.screens import screens
from tests.tui.error_fixture import add_error_study
from tests.tui.frame.running import Running, running
from tests.tui.pursuit_fixture import add_pursuits
from tests.tui.store_fixture import make_study

SIZES = ((80, 24), (120, 40), (200, 50))
SNAPSHOTS = Path(__file__).parent / "snapshots"
# The SAE of the made-up study that was pursued.
CHOSEN = "sae w256-k4"
_SETTLED = 0.3
_PATIENCE = 20.0
# Of the user and of the terminal: what would change a picture.
_ENVIRONMENT = ("NO_COLOR", "SSH_CONNECTION", "COLORTERM", "TEXTUAL_ANIMATIONS")


@dataclass(frozen=True)
class Picture:
    """A screen as it was shown."""

    text: str
    svg: str


def make_pictured_store(folder: Path) -> Path:
    """A store with all studies, and two jobs that have ended."""
    return add_ended_jobs(add_pursuits(add_error_study(make_study(folder / "study"))))


def add_ended_jobs(store: Path) -> Path:
    """Add two jobs that have ended to a store."""
    _add_job(store, 1, "done", "Letters of w64-k4", seconds=83)
    _add_job(store, 2, "failed", "Letters of w1024-k4", seconds=50, message="CUDA ran out of memory")
    return store


def _add_job(store: Path, number: int, state: State, title: str, *, seconds: float, message: str | None = None) -> None:
    spec = parse_spec({"kind": "letters", "hook_name": "blocks.1.hook_resid_post", "saes": ["w64-k4"]})
    created = 1_763_640_000.0 + 600 * number
    record = Record(
        job_id=f"20251120-{number:06}",
        kind="letters",
        title=title,
        state=state,
        device="cpu",
        host="host",
        content_hash=str(number),
        created=created,
        started=created + 1,
        ended=created + 1 + seconds,
        message=message,
    )
    folder = JobFolder.create(store / "jobs", record, spec.document())
    folder.log.write_text("reading words\nfitting probes\n")
    progress = {"t": created + seconds, "clock": seconds, "phase": "probes", "done": 26, "total": 26, "unit": "letters"}
    folder.progress.write_text(json.dumps({**progress, "metrics": {"F1": 0.94}}) + "\n")


@contextmanager
def _same_everywhere(folder: Path) -> Iterator[None]:
    """No word of the user's settings, this machine's devices, or its time zone."""
    kept = {name: value for name, value in os.environ.items() if name not in _ENVIRONMENT}
    places = {name: str(folder / name) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    device = Device("cpu", "CPU", None, utilisation=0.07, memory_used=int(1.8 * 2**30), memory_total=8 * 2**30)
    with (
        mock.patch.dict(os.environ, {**kept, **places, "TZ": "UTC", "COLORTERM": "truecolor"}, clear=True),
        mock.patch("saetui.jobs.devices.list_devices", return_value=[device]),
    ):
        time.tzset()
        yield
    time.tzset()


@asynccontextmanager
async def _shown(store: Path, size: tuple[int, int]) -> AsyncIterator[Running]:
    with tempfile.TemporaryDirectory() as folder, _same_everywhere(Path(folder)):
        async with running(store, size=size, record=False) as run:
            yield run


async def _settled(run: Running) -> str:
    """What is on screen, once nothing is being read and nothing has changed for a while."""
    clock = asyncio.get_running_loop().time
    began = since = clock()
    text = run.text
    while clock() - since < _SETTLED or not run.app.devices or "reading…" in text or " re…─" in text:
        if clock() - began > _PATIENCE:
            raise TimeoutError(f"the screen does not come to rest:\n{text}")
        await run.pilot.pause(0.05)
        if run.text != text:
            text, since = run.text, clock()
    return text


async def take(store: Path, size: tuple[int, int], screens: Sequence[str], first: str = "") -> dict[str, Picture]:
    """Pictures of screens of a store at one size in cells (columns, rows), after a first command."""
    pictures = {}
    async with _shown(store, size) as run:
        if first:
            run.app.dispatch(first)
        for screen in screens:
            run.app.dispatch(f"screen {screen}")
            await run.until(lambda screen=screen: screen == run.app.front_screen.NAME)
            text = "\n".join(line.rstrip() for line in (await _settled(run)).splitlines()) + "\n"
            pictures[screen] = Picture(text, run.app.export_screenshot(title="saetui"))
    return pictures


def snapshot(screen: str, size: tuple[int, int]) -> Path:
    """Where the text of a screen at a size is kept."""
    return SNAPSHOTS / f"{screen}-{size[0]}x{size[1]}.txt"


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    return int(columns), int(rows)


def main() -> int:
    usual = ", ".join(f"{columns}x{rows}" for columns, rows in SIZES)
    parser = argparse.ArgumentParser(
        prog="scripts/screenshots", description="Pictures of the screens on a made-up study."
    )
    parser.add_argument("screens", nargs="*", metavar="SCREEN", help=f"one of {', '.join(screens())}; all without one")
    parser.add_argument("--size", type=_size, action="append", help=f"columns x rows; may be given again ({usual})")
    parser.add_argument("--store", type=Path, help="a store of your own instead of the made-up one")
    parser.add_argument("--out", type=Path, default=Path("screenshots"), help="folder for NAME-SIZE.txt and .svg")
    parser.add_argument("--renew", action="store_true", help="write the texts that the tests compare, and nothing else")
    given = parser.parse_args()
    if unknown := set(given.screens) - set(screens()):
        parser.error(f"{', '.join(sorted(unknown))}: a screen must be one of {', '.join(screens())}")
    folder = SNAPSHOTS if given.renew else given.out
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        store, first = (given.store, "") if given.store else (make_pictured_store(Path(made)), CHOSEN)
        chosen = given.screens or list(screens())
        for size in given.size or SIZES:
            for screen, picture in asyncio.run(take(store, size, chosen, first)).items():
                path = folder / snapshot(screen, size).name
                path.write_text(picture.text)
                if not given.renew:
                    path.with_suffix(".svg").write_text(picture.svg)
                print(path)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
