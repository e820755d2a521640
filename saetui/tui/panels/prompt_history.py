"""Lines typed at the prompt, kept from one start to the next."""

import os
from pathlib import Path

from saetui.plain_files import read_file

_KEPT = 500


def history_file() -> Path:
    """Where the lines are kept."""
    from platformdirs import user_state_path

    return user_state_path("saetui") / "prompt-history"


class PromptHistory:
    """Earlier lines, the latest last; ``step`` walks through those that begin like the line it started from."""

    def __init__(self) -> None:
        self._path = history_file()
        try:
            # A line may hold what str.splitlines takes for the end of one, and half a surrogate pair.
            text = read_file(self._path).decode("utf-8", errors="surrogatepass")
            self._lines = [line for line in text.split("\n") if line][-_KEPT:]
        except (OSError, UnicodeDecodeError):
            self._lines = []  # Without a history file the prompt works all the same.
        self._index = len(self._lines)
        self._begun = ""

    def add(self, line: str) -> None:
        """Remember a line as the latest."""
        line = line.replace("\n", " ")
        self._lines = [*(kept for kept in self._lines[1 - _KEPT :] if kept != line), line]
        self._index = len(self._lines)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Whole or not at all; another saetui may write at the same time.
            part = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            part.write_bytes(("\n".join(self._lines) + "\n").encode("utf-8", errors="surrogatepass"))
            part.replace(self._path)
        except OSError:
            return  # A read-only home folder only costs the history.

    def step(self, by: int, line: str) -> str | None:
        """The next line in a direction (negative: earlier), or None where there is none."""
        if self._index == len(self._lines):
            self._begun = line
        index = self._index + by
        while 0 <= index < len(self._lines) and not self._lines[index].startswith(self._begun):
            index += by
        if index >= len(self._lines):
            moved = self._index != len(self._lines)
            self._index = len(self._lines)
            return self._begun if moved else None
        if index < 0:
            return None
        self._index = index
        return self._lines[index]
