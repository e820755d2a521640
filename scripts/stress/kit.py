"""What the programs of this folder share: options, a place to work, children with limits, and tables."""

import argparse
import contextlib
import gc
import importlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
# The programs run from a checkout; what they start finds the same one.
for place in (HERE, CHECKOUT / "tests" / "store", CHECKOUT):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

# What a program is told, and where it works


def arguments(description: str, n: int | None = None, **more: tuple[type, Any, str]) -> argparse.Namespace:
    """The options of a program: ``--n`` where there is a number of tries, ``--seed``, ``--only``, ``--verbose``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if n is not None:
        parser.add_argument("--n", type=int, default=n, help=f"tries in all; default {n}")
    parser.add_argument("--seed", type=int, default=0, help="what is drawn at random")
    parser.add_argument("--only", default="", help="only what has this text in its name")
    parser.add_argument("--light", action="store_true", help="leave out what needs torch")
    parser.add_argument("--verbose", action="store_true", help="one line for each try")
    for name, (kind, default, text) in more.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=kind, default=default, help=f"{text}; default {default}"
        )
    return parser.parse_args()


@contextlib.contextmanager
def workplace(name: str) -> Iterator[Path]:
    """A folder that is gone afterwards, with a home of its own, so that nothing of the user's is touched."""
    folder = Path(tempfile.mkdtemp(prefix=f"saetui-stress-{name}-"))
    set_home(folder)
    os.environ.update(SAETUI_TASKS="stress_tasks", OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    os.environ.pop("SSH_CONNECTION", None)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(CHECKOUT)])
    try:
        yield folder
    finally:
        for mount in Path("/proc/mounts").read_text().splitlines() if Path("/proc/mounts").exists() else []:
            if mount.split()[1].startswith(str(folder)):
                subprocess.run(["umount", mount.split()[1]], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def set_home(folder: Path) -> None:
    """State, cache and home of the user, below a folder."""
    for variable in ("STATE", "CACHE", "CONFIG", "DATA"):
        os.environ[f"XDG_{variable}_HOME"] = str(folder / "home" / variable.lower())
    os.environ["HOME"] = str(folder / "home")
    os.environ["SAETUI_LEASES"] = str(folder / "leases")
    (folder / "home").mkdir(parents=True, exist_ok=True)


def without_sync() -> None:
    """What a process has written survives its death in the system's memory; waiting for the disk proves nothing."""
    os.fsync = lambda descriptor: None  # type: ignore[assignment]


def preload() -> None:
    """Import what children will need, so that each does not do it again."""
    from pkgutil import iter_modules

    import polars  # noqa: F401
    import pyarrow.compute  # noqa: F401
    import rich.console
    import rich.progress
    import rich.table  # noqa: F401

    import saetui.cli.subcommands
    import saetui.commands
    import saetui.jobs
    import store

    saetui.cli.subcommands.make_app()
    for package in (store, saetui.jobs, saetui.commands):
        for module in iter_modules(package.__path__, package.__name__ + "."):
            if not module.ispkg:
                importlib.import_module(module.name)


# Children


@dataclass(frozen=True)
class Ended:
    """How a child ended: "good", "failed" (an exception), "killed" (SIGKILL), "died" (another signal), "endless"."""

    how: str
    text: str
    seconds: float
    code: int = 0


def begin(play: Callable[[], object], report: Path, *, memory: int | None = None) -> int:
    """Start to run in a fork; its process id. What goes wrong is written to ``report``.

    ``memory``: bytes that it may take beside what this process has.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    report.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            gc.freeze()
            if memory is not None:
                has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                resource.setrlimit(resource.RLIMIT_AS, (has + memory, has + memory))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            play()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            with contextlib.suppress(BaseException):
                report.write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
        finally:
            with contextlib.suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)
    return pid


def end(pid: int, report: Path, limit_s: float, started: float | None = None) -> Ended:
    """Wait for a child, and kill it when its time is over.

    On a busy machine time on the clock says little: it is over when the child has computed for so long, when it sleeps
    after that time and does not move, or at last after ten times as long.
    """
    started = time.monotonic() if started is None else started
    pause, looked, computed = 0.001, started + limit_s, -1.0
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            break
        now = time.monotonic()
        if now > looked:
            looked = now + 5.0
            before, computed = computed, _computed(pid)
            if computed > limit_s or computed == before or now > started + 10 * limit_s:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                seconds = now - started
                return Ended("endless", f"no end after {seconds:.0f} s, {computed:.0f} of them computing", seconds)
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)
    seconds = time.monotonic() - started
    text = report.read_text(encoding="utf-8") if report.exists() else ""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return Ended("killed" if number == signal.SIGKILL else "died", f"signal {number}", seconds, -number)
    code = os.WEXITSTATUS(status)
    return Ended("good" if code == 0 and not text else "failed", text, seconds, code)


def _computed(pid: int) -> float:
    """Seconds that a process and its ended children have computed."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def run(play: Callable[[], object], report: Path, limit_s: float, *, memory: int | None = None) -> Ended:
    """Run in a fork, to its end or to that of its time."""
    started = time.monotonic()
    return end(begin(play, report, memory=memory), report, limit_s, started)


def in_parallel(works: Sequence[Any], do: Callable[[Any, Path], Any], folder: Path, n: int) -> list[Any]:
    """``do(work, folder)`` of each work, in ``n`` forks; what they gave, in the order of the works."""
    import pickle

    if n <= 1 or len(works) <= 1:
        (folder / "0").mkdir(parents=True, exist_ok=True)
        return [do(work, folder / "0") for work in works]
    pids = []
    for number in range(n):
        place = folder / str(number)
        place.mkdir(parents=True, exist_ok=True)

        def play(number: int = number, place: Path = place) -> None:
            given = [(index, do(works[index], place)) for index in range(number, len(works), n)]
            (place / "given.pickle").write_bytes(pickle.dumps(given))

        pids.append((begin(play, place / "trouble.txt"), place))
    found: dict[int, Any] = {}
    for pid, place in pids:
        ended = end(pid, place / "trouble.txt", 3600)
        if ended.how != "good":
            raise SystemExit(f"the kit itself failed: {ended}")
        found |= dict(pickle.loads((place / "given.pickle").read_bytes()))
    return [found[index] for index in range(len(works))]


# Figures


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A small table on standard output; numbers to the right."""
    texts = [[*map(str, columns)], *[[f"{c:.1f}" if isinstance(c, float) else str(c) for c in row] for row in rows]]
    widths = [max(len(row[i]) for row in texts) for i in range(len(columns))]
    for number, row in enumerate(texts):
        cells = (c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * w for w in widths))
    sys.stdout.flush()


def load() -> str:
    """How busy the machine is, since all times depend on it."""
    one, five, _ = os.getloadavg()
    return f"load average {one:.1f} over a minute, {five:.1f} over five, on {os.cpu_count()} cores"


def totals(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """The last line of a table of counts: the sum of each column but the first, which says "all"."""
    return ["all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])]


def last_line(text: str) -> str:
    """The line of a traceback that says what was wrong."""
    return next((line for line in reversed(text.strip().splitlines()) if line.strip()), "")
