"""Key to paint on a table of latents: the time from a key press to the last byte of what the terminal is sent for it.

Each table runs in a process of its own on a pseudo-terminal of 120×40 cells that knows synchronized updates, as a real
terminal does. Compared with Textual's own DataTable and, where it is installed, with textual-fastdatatable.
"""

import argparse
import fcntl
import importlib.util
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LINES, CELLS = 40, 120
# Nothing for this long after the last byte: the picture is complete.
QUIET = 0.12
STARTING, QUIET_AT_START, ANSWERING = 180.0, 1.5, 3.0
DOWN, UP, PAGE_DOWN, PAGE_UP = "\x1b[B", "\x1b[A", "\x1b[6~", "\x1b[5~"
ROWS = {"saetui": 1_000_000, "fastdatatable": 1_000_000, "DataTable": 100_000}
COLUMNS = ("latent", "density", "n_fires", "max_activation", "mean_activation", "encoder_decoder_cosine", "top_token")
SAE = "sae-of-a-million"
FILL = """
INSERT INTO latent BY NAME
SELECT '{sae}' AS sae_id, i AS latent, (hash(i) % 100000)::UBIGINT AS n_fires, (hash(i) % 100000) / 2e6 AS density,
    (hash(i + 1) % 9000) / 1e3 AS max_activation, (hash(i + 2) % 4000) / 1e3 AS mean_activation, 1.0 AS decoder_norm,
    (hash(i + 3) % 2000) / 1e3 - 1 AS encoder_decoder_cosine, ' token' || (hash(i + 4) % 5000) AS top_token,
    [1, 5, 9, 4, 1]::UINTEGER[] AS histogram, [' a', ' b'] AS promotes, [1.0, 0.5]::REAL[] AS promotes_logit
FROM range({rows}) AS numbers(i)
"""
# What is pressed; the keys before the last one are not timed. Keys differ where a table has others for the same thing.
MOTIONS: dict[str, list[list[str]]] = {
    "line down, up": [[DOWN]] * 60 + [[UP]] * 20,
    "page down, up": [[PAGE_DOWN]] * 60 + [[PAGE_UP]] * 20,
    "last, first row": [["{end}"], ["{home}"]] * 15,
}
SAETUI_MOTIONS: dict[str, list[list[str]]] = {
    "to a row by number": [[*f"{137_911 * n % 1_000_000}", "G"] for n in range(1, 31)],
    "half pages from there": [["\x04"]] * 40,
}
SAETUI_CHANGES: dict[str, list[list[str]]] = {"sort by another column": [["s"]] * 12, "filter on, off": [["f"]] * 12}
ENDS = {"saetui": ("G", "g"), "DataTable": ("\x1b[1;5F", "\x1b[1;5H"), "fastdatatable": ("\x1b[1;5F", "\x1b[1;5H")}


def make_store(folder: Path, rows: int) -> None:
    """A store with one SAE of so many latents."""
    from store import Store

    with Store.open(folder, create=True) as store:
        store.write(FILL.format(sae=SAE, rows=rows))


def first_latents(folder: Path, rows: int) -> Any:
    """The latents as a polars frame, densest first."""
    from store import Store

    with Store.open(folder) as store:
        return store.query(f"SELECT {', '.join(COLUMNS)} FROM latent ORDER BY density DESC LIMIT {rows}")


def run_saetui(folder: Path, _: int) -> None:
    """Child: saetui's table on the query of all latents, sorted by density."""
    from textual.app import App, ComposeResult

    from saetui.tui.drawing.heat import Heat
    from saetui.tui.table.column import Column
    from saetui.tui.table.query_table import QueryTable
    from saetui.workbench.table_query import Order
    from saetui.workbench.tables import Table
    from store import Store

    columns = [
        Column("latent", "latent", 8, format="d"),
        Column("density", "density", 8, format=".5f", heat=Heat(1e-4, 0.05, logarithmic=True)),
        Column("n_fires", "fires", 8, format=",d"),
        Column("max_activation", "max", 8, format=".2f"),
        Column("mean_activation", "mean", 8, format=".2f"),
        Column("encoder_decoder_cosine", "cos", 7, format=".2f", heat=Heat(-1, 1, diverging=True)),
        Column("top_token", "top token", 16, "left", "token", grow=1),
    ]
    latents = Table("latents", "latents", "latent", order=(Order("density", True),))
    table = QueryTable(latents, columns, {"sae": SAE}, store=Store.open(folder))

    class Bench(App[None]):
        BINDINGS = [("s", "sort", "Sort"), ("f", "filter", "Filter")]  # noqa: RUF012

        def compose(self) -> ComposeResult:
            yield table

        def action_sort(self) -> None:
            table.sort_by("max_activation" if table.sorting[0].column == "n_fires" else "n_fires")

        def action_filter(self) -> None:
            table.set_filter("" if table.filter_text else "token49 density>2%")

    Bench().run()


def run_datatable(folder: Path, rows: int) -> None:
    """Child: Textual's own table, which holds every cell."""
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    class Bench(App[None]):
        def compose(self) -> ComposeResult:
            yield DataTable(cursor_type="row")

        def on_mount(self) -> None:
            table = self.query_one(DataTable)
            table.add_columns(*COLUMNS)
            for row in first_latents(folder, rows).rows():
                table.add_row(*(f"{value:.4f}" if isinstance(value, float) else value for value in row))

    Bench().run()


def run_fastdatatable(folder: Path, rows: int) -> None:
    """Child: a table over an Arrow table in memory."""
    from textual.app import App, ComposeResult
    from textual_fastdatatable import ArrowBackend, DataTable

    class Bench(App[None]):
        def compose(self) -> ComposeResult:
            yield DataTable(backend=ArrowBackend(first_latents(folder, rows).to_arrow()), cursor_type="row")

    Bench().run()


CHILDREN = {"saetui": run_saetui, "DataTable": run_datatable, "fastdatatable": run_fastdatatable}


@dataclass
class Terminal:
    """A child process on a pseudo-terminal."""

    pid: int
    fd: int

    @classmethod
    def start(cls, arguments: list[str]) -> "Terminal":
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_ANIMATIONS="none")
            os.execv(sys.executable, [sys.executable, *arguments])
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, CELLS, 0, 0))
        return cls(pid, fd)

    def settle(self, patience: float, quiet: float = QUIET, text: bytes = b"") -> float:
        """Read until ``text`` has come and then nothing for ``quiet`` seconds; the time of the last byte."""
        last, limit, seen = time.perf_counter(), time.perf_counter() + patience, False
        while select.select([self.fd], [], [], quiet if seen else max(0.0, limit - time.perf_counter()))[0]:
            data = os.read(self.fd, 1 << 16)
            last, seen = time.perf_counter(), seen or text in data
            if b"\x1b[?2026$p" in data:
                os.write(self.fd, b"\x1b[?2026;2$y")
        return last

    def press(self, keys: list[str]) -> float:
        """Milliseconds from the last of some keys to the last byte that it causes."""
        for key in keys[:-1]:
            os.write(self.fd, key.encode())
            self.settle(0.02, quiet=0.02)
        start = time.perf_counter()
        os.write(self.fd, keys[-1].encode())
        return (self.settle(ANSWERING) - start) * 1e3

    def resident(self) -> float:
        """Memory of the child in MB."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        return int(found[1]) / 1024 if found else float("nan")

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def line(name: str, what: str, times: list[float]) -> str:
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{name:<14} {what:<28} {len(times):>4} {statistics.median(times):>8.1f} {p95:>8.1f} {ordered[-1]:>8.1f}"


def measure(name: str, folder: Path, rows: int) -> None:
    """Print the lines of one table."""
    start = time.perf_counter()
    terminal = Terminal.start([__file__, "--child", name, "--store", str(folder), "--rows", str(rows)])
    painted = terminal.settle(STARTING, QUIET_AT_START, b"token") - start
    end, home = ENDS[name]
    everything: list[float] = []
    for what, presses in (MOTIONS | (SAETUI_MOTIONS if name == "saetui" else {})).items():
        times = [terminal.press([key.format(end=end, home=home) for key in keys]) for keys in presses]
        everything += times
        print(line(name, what, times), flush=True)
    print(line(name, "all of these", everything), flush=True)
    for what, presses in (SAETUI_CHANGES if name == "saetui" else {}).items():
        print(line(name, what, [terminal.press(keys) for keys in presses]), flush=True)
    print(f"{name:<14} {rows:,} rows, {painted:.1f} s from start to rows, {terminal.resident():.0f} MB", flush=True)
    terminal.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", default=list(ROWS), help=", ".join(ROWS))
    parser.add_argument("--rows", type=int, default=0, help="instead of 1,000,000 (DataTable: 100,000)")
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        CHILDREN[arguments.child](arguments.store, arguments.rows)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "store"
        make_store(folder, max(ROWS.values()))
        print(f"{'table':<14} {'keys':<28} {'n':>4} {'p50 ms':>8} {'p95 ms':>8} {'max ms':>8}")
        for name in arguments.tables:
            if name != "fastdatatable" or importlib.util.find_spec("textual_fastdatatable"):
                measure(name, folder, arguments.rows or ROWS[name])


if __name__ == "__main__":
    main()
