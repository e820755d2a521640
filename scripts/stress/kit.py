"""What the programs of this folder share: children with limits, steps at which they die, starts by fork, and tables."""

import argparse
import contextlib
import gc
import importlib
import os
import re
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

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime",
    "os.kill", "os.killpg", "subprocess.Popen",
}  # fmt: skip
_STORE_STEP = "store.step"
_VARYING = re.compile(r"[0-9a-f]{8,}|\d+|(?<=\.)[a-z0-9_]{8}(?=\.)")


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


# Steps: everything that a process does to files and to other processes


@dataclass(frozen=True)
class Target:
    """One step of one part in a play: the n-th time that something is about to be done."""

    role: str
    step: str
    time: int

    def __str__(self) -> str:
        return f"{self.role}: {self.step} ({self.time + 1})"


class Steps:
    """Writes down the steps of a family of processes, or kills one of them as it is about to do one."""

    def __init__(self, folder: Path, *, fatal: Target | None = None) -> None:
        self._folder = str(folder)
        self._fatal = fatal
        self._written = folder.parent / "steps.txt"
        self._killed = folder.parent / "killed"
        self._role = ""
        self._counts: dict[str, int] = {}

    def install(self, role: str) -> None:
        """Listen from now on, in this process and in its forks."""
        import duckdb

        connect = duckdb.connect

        def heard(path: Any, **options: Any) -> Any:
            connection = connect(path, **options)
            return connection if options.get("read_only") else _HeardConnection(connection, self)

        duckdb.connect = heard
        self.enter(role)
        sys.addaudithook(self._heard)

    def sql(self, text: str) -> None:
        """A statement of a writer is about to be run."""
        if self._role:
            self._take(f"sql {' '.join(text.split())[:40]}")

    def enter(self, role: str) -> None:
        """This process plays another part from now on."""
        self._role, self._counts = role, {}

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._role:
            return
        if event == _STORE_STEP:
            self._take(str(args[0]))
        elif event == "open":
            if isinstance(args[2], int) and args[2] & _WRITING and str(args[0]).startswith(self._folder):
                self._take(f"open {Path(str(args[0])).name}")
        elif event == "subprocess.Popen":
            self._take(f"start {args[1][args[1].index('-m') + 1] if '-m' in args[1] else args[0]}")
        elif event in _CHANGES:
            self._take(f"{event} {Path(str(args[0])).name}")

    def _take(self, name: str) -> None:
        name = _VARYING.sub("#", name)
        n = self._counts.get(name, 0)
        self._counts[name] = n + 1
        role, self._role = self._role, ""
        try:
            if self._fatal is None:
                with self._written.open("a") as file:
                    file.write(f"{role}\t{name}\t{n}\n")
            elif (role, name, n) == (self._fatal.role, self._fatal.step, self._fatal.time):
                # Once only: who comes after may do the same step.
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(self._killed, os.O_CREAT | os.O_EXCL))
                    os.kill(os.getpid(), signal.SIGKILL)
        finally:
            self._role = role

    def targets(self) -> list[Target]:
        """The steps that were written down."""
        lines = [line.split("\t") for line in self._written.read_text().splitlines()]
        return list(dict.fromkeys(Target(role, name, int(n)) for role, name, n in lines))

    @property
    def killed(self) -> bool:
        """Whether the step came, and was the last of its process."""
        return self._killed.exists()


class _HeardConnection:
    """A connection whose statements, and whose end, are steps."""

    def __init__(self, connection: Any, steps: Steps) -> None:
        self._connection, self._steps = connection, steps

    def execute(self, sql: str, *args: Any) -> Any:
        if not sql.startswith("SELECT"):
            self._steps.sql(sql)
        return self._connection.execute(sql, *args)

    def close(self) -> None:
        self._steps.sql("close")
        self._connection.close()

    def cursor(self) -> Any:
        return _HeardConnection(self._connection.cursor(), self._steps)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


# Workers and runners by fork: the same pipes, groups and folders, but no interpreter has to start


class ForkedProcess:
    """Stands in for ``subprocess.Popen`` where a module of saetui is started."""

    steps: Steps | None = None
    pids: Path | None = None
    _real = subprocess.Popen

    def __new__(cls, command: Any, *args: Any, **options: Any) -> Any:
        if isinstance(command, (list, tuple)) and "-m" in command and "saetui" in command[command.index("-m") + 1]:
            return super().__new__(cls)
        return cls._real(command, *args, **options)

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        process_group: int | None = None,
        start_new_session: bool = False,
        pass_fds: Sequence[int] = (),
        cwd: Any = None,
        env: Any = None,
        preexec_fn: Any = None,
        **_: Any,
    ) -> None:
        sys.audit("subprocess.Popen", command[0], list(command), cwd, env)
        self.args = command
        self.returncode: int | None = None
        ends, mine = [], []
        for number, wish in enumerate((stdin, stdout, stderr)):
            if wish == subprocess.PIPE:
                read, write = os.pipe()
                ends.append(read if number == 0 else write)
                mine.append(os.fdopen(write, "wb", buffering=0) if number == 0 else os.fdopen(read, "rb", buffering=0))
            else:
                fd = os.open(os.devnull, os.O_RDWR) if wish == subprocess.DEVNULL else wish
                fd = number if fd is None else fd.fileno() if hasattr(fd, "fileno") else fd
                ends.append(ends[1] if fd == subprocess.STDOUT else fd)
                mine.append(None)
        self.stdin, self.stdout, self.stderr = mine
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(list(command), ends, process_group, start_new_session, pass_fds, cwd, env, preexec_fn)
        if process_group is not None:
            with contextlib.suppress(OSError):
                os.setpgid(self.pid, process_group)
        for number, fd in enumerate(ends):
            if fd > 2 and (mine[number] is not None or (stdin, stdout, stderr)[number] == subprocess.DEVNULL):
                os.close(fd)

    def _become(
        self, command: list[str], ends: list[int], group: int | None, session: bool, keep: Sequence[int], cwd: Any,
        env: Any, preexec: Any,
    ) -> None:  # fmt: skip
        code = 1
        try:
            if ForkedProcess.pids is not None:
                fd = os.open(ForkedProcess.pids, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.write(fd, f"{os.getpid()} {command[command.index('-m') + 1].rpartition('.')[2]}\n".encode())
                os.close(fd)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                if callable(signal.getsignal(number)):
                    signal.signal(number, signal.SIG_DFL)
            if session:
                os.setsid()
            if group is not None:
                os.setpgid(0, group)
            moved = [os.dup(fd) for fd in ends]
            for number, fd in enumerate(moved):
                os.dup2(fd, number)
            for name in os.listdir("/proc/self/fd"):
                if int(name) > 2 and int(name) not in keep:
                    with contextlib.suppress(OSError):
                        os.close(int(name))
            sys.stdin = os.fdopen(0, "r", closefd=False)
            sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            if cwd is not None:
                os.chdir(cwd)
            if env is not None:
                os.environ.clear()
                os.environ.update(env)
            if preexec is not None:
                preexec()
            at = command.index("-m")
            sys.argv = [command[at + 1], *command[at + 2 :]]
            if ForkedProcess.steps is not None:
                ForkedProcess.steps.enter(command[at + 1].rpartition(".")[2])
            importlib.import_module(command[at + 1]).main()
            code = 0
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                found, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                found, status = self.pid, 0
            if found:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0.0)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def __enter__(self) -> "ForkedProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()


def start_by_fork(pids: Path, steps: Steps | None = None) -> None:
    """From now on, workers and runners that this process starts are forks of it; their ids are written to ``pids``."""
    import saetui.jobs.registry
    import saetui.jobs.runner
    import saetui.jobs.worker

    ForkedProcess.pids, ForkedProcess.steps = pids, steps
    subprocess.Popen = ForkedProcess  # type: ignore[assignment,misc]
    keep = saetui.jobs.worker.keep

    def keep_apart(*arguments: Any) -> None:
        # The threads that polars starts when it writes do not survive a fork, and a worker has runners to fork.
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                keep(*arguments)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            counts = {} if steps is None else steps._counts
            os.write(write, "\n".join(f"{n}\t{name}" for name, n in counts.items()).encode()[:60000])
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            said = pipe.read().decode()
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            os.kill(os.getpid(), signal.SIGKILL)
        if os.WEXITSTATUS(status):
            raise RuntimeError("the job's row could not be kept; see the worker's log")
        if steps is not None:
            for line in said.splitlines():
                n, _, name = line.partition("\t")
                steps._counts[name] = int(n)

    saetui.jobs.worker.keep = keep_apart


def living(pids: Path) -> list[int]:
    """Those of the written-down processes that still run."""
    found = []
    for text in [line.split()[0] for line in pids.read_text().splitlines()] if pids.exists() else []:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{text}/stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X"):
                found.append(int(text))
    return found


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


def last_line(text: str) -> str:
    """The line of a traceback that says what was wrong."""
    return next((line for line in reversed(text.strip().splitlines()) if line.strip()), "")
