"""Lines typed at the prompt, kept from one start to the next."""

from pathlib import Path

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
            self._lines = self._path.read_text(encoding="utf-8").splitlines()[-_KEPT:]
        except (OSError, UnicodeDecodeError):
            self._lines = []  # Without a history file the prompt works all the same.
        self._index = len(self._lines)
        self._begun = ""

    def add(self, line: str) -> None:
        """Remember a line as the latest."""
        self._lines = [*(kept for kept in self._lines[1 - _KEPT :] if kept != line), line]
        self._index = len(self._lines)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text("\n".join(self._lines) + "\n", encoding="utf-8")
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
