"""Recorded sessions: the commands a person gave, with times and digests of what they showed; read, and done again."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO

import saetui
from saetui.commands.command import Command
from saetui.commands.dispatch import dispatch
from saetui.commands.session_lines import FORMAT, read_header, read_lines, read_step
from saetui.workbench.action import Action
from saetui.workbench.exceptions import user_errors
from store.exceptions import StoreUnreadable
from store.plain import check_plain

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench
    from store import Store


@dataclass(frozen=True)
class SessionStep:
    """One line of a session: seconds since its start, the command, and the digest of the view after it."""

    t: float
    command: Command
    digest: str
    visit: bool = True


@dataclass(frozen=True)
class Session:
    """A session file: which saetui and store it was recorded with, the session it took over from, and its steps.

    ``format`` is that of the file: earlier ones have digests of other rows for some tables, and until format 2 a
    command was done on any screen; until format 3 what a cursor looked at was chosen for all screens.
    """

    path: Path
    session_id: str
    version: str
    store: str
    parent: str | None
    started: datetime
    format: int
    steps: tuple[SessionStep, ...]


@dataclass(frozen=True)
class Difference:
    """A step whose view is not the recorded one; ``shown`` is the digest now, or the error it ended in."""

    index: int
    step: SessionStep
    shown: str


@dataclass
class Recorder:
    """Appends commands to a session file, which is begun with the first of them."""

    folder: Path
    fingerprint: Callable[[], str]
    parent: str | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    n_commands: int = 0
    _began: float = field(default_factory=monotonic)
    _file: TextIO | None = None

    @property
    def session_id(self) -> str:
        return f"{self.started:%Y%m%d-%H%M%S}-{os.getpid()}"

    @property
    def path(self) -> Path:
        return self.folder / f"{self.session_id}.jsonl"

    @property
    def seconds(self) -> float:
        """Time since the recording began."""
        return monotonic() - self._began

    def line(self, command: Action, *, visit: bool) -> dict[str, Any]:
        """What will be written for a command given now."""
        line = {"t": round(self.seconds, 3), "command": command.verb, "args": command.values()}
        return line if visit else line | {"visit": False}

    def record(self, line: dict[str, Any], digest: str) -> None:
        """Append one line; the folder and the header are made with the first."""
        if self._file is None:
            self._require_plain_folder()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
            header = {
                "format": FORMAT,
                "saetui": saetui.__version__,
                "session": self.session_id,
                "store": self.fingerprint(),
                "parent": self.parent,
                "started": self.started.isoformat(),
            }
            self._write(header)
        self._write(line | {"digest": digest})
        self.n_commands += 1

    def close(self, store: Store) -> None:
        """Close the file, and list the session in the store if anything was done."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        path = self.path.relative_to(store.root) if self.path.is_relative_to(store.root) else self.path
        store.write(
            "INSERT INTO session (session_id, name, started, ended, n_commands, parent, path) "
            "VALUES ($session, $session, $started, $ended, $n_commands, $parent, $path)",
            {
                "session": self.session_id,
                "started": self.started.replace(tzinfo=None),
                "ended": datetime.now(UTC).replace(tzinfo=None),
                "n_commands": self.n_commands,
                "parent": self.parent,
                "path": path.as_posix(),
            },
        )

    def _require_plain_folder(self) -> None:
        """OSError where the folder is a link: in a store of somebody else's, it can lead anywhere."""
        try:
            check_plain(self.folder.parent, self.path)
        except StoreUnreadable as error:
            raise OSError(errno.ELOOP, str(error)) from error

    def _write(self, line: dict[str, Any]) -> None:
        assert self._file is not None
        # In ASCII, so that a line is a line and half a surrogate pair survives.
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def fingerprint(store: Store) -> str:
    """A short hash of what is in the store: its SAEs, token sets, and every result committed."""
    rows = [
        store.fetch("SELECT sae_id FROM sae ORDER BY ALL").rows,
        store.fetch("SELECT corpus_id, token_hash FROM corpus ORDER BY ALL").rows,
        store.fetch("SELECT manifest FROM commit_log ORDER BY ALL").rows,
    ]
    return sha256(json.dumps(rows, default=str).encode()).hexdigest()[:16]


def load(path: Path) -> Session:
    """Read a session file; a torn last line (the machine stopped) is left out.

    Raises CommandError naming the file, the line and what is wrong with it.
    """
    header, *lines = read_lines(path)
    found = read_header(path, header)
    steps = tuple(SessionStep(*read_step(path, line)) for line in lines)
    return Session(path, *found, steps)


def replay(session: Session, bench: Workbench) -> list[Difference]:
    """Do a session's commands again on a workbench (made ``inline``); returns the steps that show something else.

    A view that the session's format digested otherwise is not compared: its digest says nothing of what is shown now.
    """
    differences = []
    for index, step in enumerate(session.steps):
        try:
            dispatch(bench, step.command, visit=step.visit, anywhere=session.format < 3, shared=session.format < 4)
            view = bench.view()
            shown = view.digest(bench.store)
            comparable = view.digests_as_in(session.format)
        except user_errors() as problem:
            shown, comparable = str(problem), True
        # Without a digest, the person did not wait to see what came of it.
        if step.digest and comparable and shown != step.digest:
            differences.append(Difference(index, step, shown))
    return differences
