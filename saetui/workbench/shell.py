"""Lines for a shell: what is copied or advised can be pasted, whatever a path or a name has in it."""

import shlex
from pathlib import Path


def shell_line(*words: str | Path) -> str:
    """A command with every word quoted that needs it: ``saetui open '/data/my store'``.

    Control characters are written as the shell's ``$'…'`` takes them, so that the line stays one.
    """
    return " ".join(_word(str(word)) for word in words)


def _word(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    raw = word.encode(errors="surrogateescape")
    return "$'" + "".join(_escaped(byte) for byte in raw) + "'"


def _escaped(byte: int) -> str:
    character = chr(byte)
    if byte in b"'\\":
        return f"\\{character}"
    return character if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
