"""How long it takes until the SAEs of a store are on screen, beside importing Textual alone and, where it is installed,
harlequin opening a DuckDB file. saetui is started bare, as it is every day, and opens the store that it opened last.

Runs of the three take turns, so that a busy moment meets all of them; the figures are medians. Usage:

    python scripts/bench/start.py [--runs 9] [--store DIR]

Without a store it makes a small one of three SAEs in a temporary folder.
"""

import argparse
import os
import pty
import re
import select
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from fcntl import ioctl
from pathlib import Path

from saetui.workbench.last_store import remember_store
from store import Store

ROOT = Path(__file__).parents[2]
COLUMNS, ROWS = 120, 40
PATIENCE = 30.0
_SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|[()][A-Z0-9]|[=>78])"
)


def until_shown(command: Sequence[str], text: str) -> float:
    """Seconds from starting a program on a terminal until it has printed a text; the program is then ended."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=environment, cwd=ROOT
    )
    seen = b""
    try:
        while text.encode() not in _SEQUENCE.sub(b" ", seen):
            if time.perf_counter() - began > PATIENCE or not select.select([master], [], [], PATIENCE)[0]:
                raise TimeoutError(f"{text!r} was not printed by {command}")
            seen += os.read(master, 1 << 16)
        return time.perf_counter() - began
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def until_ended(command: Sequence[str]) -> float:
    """Seconds that a program runs."""
    began = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT)
    return time.perf_counter() - began


def an_sae(store: Path) -> str:
    """The name of the last SAE listed: when it is there, all are."""
    with Store.open(store) as opened:
        return str(opened.fetch("SELECT name FROM sae_summary ORDER BY hook_name, width, l0, name").rows[-1][0])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--store", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = given.store or _made(Path(folder) / "store")
        name = an_sae(store)
        os.environ["XDG_STATE_HOME"] = folder
        remember_store(store)
        python = sys.executable
        measured: dict[str, Callable[[], float]] = {
            "import textual.app": lambda: until_ended([python, "-c", "import textual.app"]),
            "saetui": lambda: until_shown([python, "-m", "saetui"], name),
        }
        harlequin = shutil.which("harlequin")
        if harlequin is not None:
            command = [harlequin, "--locale", "C", "--read-only", str(store / "saetui.duckdb")]
            # The database in its catalogue, which is named after the file.
            measured["harlequin"] = lambda: until_shown(command, "saetui")
        seconds: dict[str, list[float]] = {label: [] for label in measured}
        for run in range(given.runs + 1):
            for label, measure in measured.items():
                taken = measure()
                if run:  # The first warms the disk.
                    seconds[label].append(taken)
    medians = {label: statistics.median(taken) for label, taken in seconds.items()}
    for label, runs in seconds.items():
        print(f"{label:<20} {medians[label]:6.3f} s   ({min(runs):.3f} to {max(runs):.3f}, {len(runs)} runs)")
    for label in ("import textual.app", "harlequin"):
        if label in medians:
            print(f"saetui / {label}: {medians['saetui'] / medians[label]:.2f}")


def _made(folder: Path) -> Path:
    sys.path.insert(0, str(ROOT))
    from tests.tui.store_fixture import make_study

    return make_study(folder)


if __name__ == "__main__":
    main()
