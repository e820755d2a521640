"""Copying from a terminal, also through SSH and tmux: OSC 52, and a file for terminals that will not listen."""

import base64
import os
from pathlib import Path
from typing import Protocol

from saetui.visible import visible

# Terminals drop longer sequences in silence.
LONGEST_PAYLOAD = 74_994


class _App(Protocol):
    def write_to_terminal(self, text: str) -> bool: ...


def osc52(text: str, *, tmux: bool = False) -> str | None:
    """The sequence that asks the terminal to take a text, or None where it is too long for that.

    Inside tmux it is sent twice, plain for tmux's own buffer and wrapped for the terminal around it.
    """
    payload = base64.b64encode(text.encode()).decode()
    if len(payload) > LONGEST_PAYLOAD:
        return None
    plain = f"\x1b]52;c;{payload}\x07"
    return plain + f"\x1bPtmux;\x1b{plain}\x1b\\" if tmux else plain


def copy_file() -> Path:
    """Where the last copied text is kept."""
    from platformdirs import user_state_path

    return user_state_path("saetui") / "copied.txt"


def copy(app: _App, text: str, what: str) -> str:
    """Copy a text; returns a line that says what happened to it.

    Nobody reads a clipboard before it is pasted: but for line ends and tabs, nothing hidden goes into it.
    """
    text = "\n".join("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))
    sequence = osc52(text, tmux="TMUX" in os.environ)
    sent = sequence is not None and app.write_to_terminal(sequence)
    path = copy_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        kept = f"in {path}"
    except OSError as problem:
        kept = f"{path} could not be written ({problem.strerror})"
    if sent:
        return f"{what} copied by OSC 52; also {kept}"
    return f"{what} is too long for the terminal's clipboard; {kept}" if sequence is None else f"{what} is {kept}"
