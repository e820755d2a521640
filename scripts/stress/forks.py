"""Workers and runners by fork: the same pipes, groups and folders as a start, but no interpreter has to begin."""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps import Steps

if TYPE_CHECKING:
    from saetui.jobs.folder import JobFolder


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
        ends: list[int] = []
        mine: list[FileIO | None] = []
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
            for deadly in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                if callable(signal.getsignal(deadly)):
                    signal.signal(deadly, signal.SIG_DFL)
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
    from saetui.jobs.history import keep

    ForkedProcess.pids, ForkedProcess.steps = pids, steps
    subprocess.Popen = ForkedProcess  # type: ignore[assignment,misc]

    def keep_apart(store_root: Path, folder: "JobFolder") -> None:
        # The threads that polars starts when it writes do not survive a fork, and a worker has runners to fork.
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                keep(store_root, folder)
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

    vars(saetui.jobs.worker)["keep"] = keep_apart


def living(pids: Path) -> list[int]:
    """Those of the written-down processes that still run."""
    found = []
    for text in [line.split()[0] for line in pids.read_text().splitlines()] if pids.exists() else []:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{text}/stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X"):
                found.append(int(text))
    return found
