"""Steps: everything that a process does to files and to other processes; one of them can be its last."""

import contextlib
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime",
    "os.kill", "os.killpg", "subprocess.Popen",
}  # fmt: skip
_STORE_STEP = "store.step"
_IN_MEMORY = ":memory:"
_VARYING = re.compile(r"[0-9a-f]{8,}|\d+|(?<=\.)[a-z0-9_]{8}(?=\.)")


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

        def heard(path: Any = _IN_MEMORY, **options: Any) -> Any:
            connection = connect(path, **options)
            writes = path != _IN_MEMORY and not options.get("read_only")
            return _HeardConnection(connection, self) if writes else connection

        duckdb.connect = heard  # type: ignore[assignment]
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
