"""A program on a pseudo-terminal: type to it, wait for what it shows, signal it, hang up on it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|[()][A-Z0-9]|[=>78])"
)
PATIENCE = 20.0


class Terminal:
    """Runs a program on its own terminal of ``columns`` × ``rows``."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        columns: int = 100,
        rows: int = 30,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.output = b""
        self._slave = slave
        # What runs the tests may say how wide its own terminal is.
        around = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [str(a) for a in arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**around, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    @property
    def text(self) -> str:
        """Everything printed so far, without control sequences."""
        return _SEQUENCE.sub(b" ", self.output).decode(errors="replace")

    @property
    def last_words(self) -> str:
        """What was printed on the main screen after the other one was left."""
        return _SEQUENCE.sub(b"", self.output.rpartition(b"\x1b[?1049l")[2]).decode(errors="replace").strip()

    def read(self, seconds: float = 0.05) -> bool:
        """Take what the program prints within a time; False where nothing came."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self.output += data
        return bool(data)

    def wait_for(self, text: str, *, since: int = 0) -> float:
        """Wait until a text was printed after byte ``since``; the seconds it took."""
        began = time.monotonic()
        while text not in _SEQUENCE.sub(b" ", self.output[since:]).decode(errors="replace"):
            if time.monotonic() - began > PATIENCE:
                raise TimeoutError(f"{text!r} did not appear in:\n{self.text[-2000:]}")
            if not self.read() and self.process.poll() is not None:
                raise EOFError(f"ended with {self.process.returncode} before {text!r}:\n{self.text[-2000:]}")
        return time.monotonic() - began

    def type(self, keys: str | bytes) -> None:
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal larger or smaller; the kernel tells the program."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def is_stopped(self) -> bool:
        """Whether the program is suspended."""
        try:
            return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2][0] == "T"
        except FileNotFoundError:
            return False

    def wait_until_stopped(self) -> None:
        """Wait until the program is suspended."""
        end = time.monotonic() + PATIENCE
        while not self.is_stopped:
            if time.monotonic() > end:
                raise TimeoutError(f"was not suspended:\n{self.text[-2000:]}")
            self.read()
        while self.read():
            pass

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    def wait(self) -> int:
        """The exit code, once the program has ended."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > end:
                self.process.kill()
                raise TimeoutError(f"did not end:\n{self.text[-2000:]}")
            if self._master >= 0:
                self.read()
            else:
                time.sleep(0.02)
        while self._master >= 0 and self.read():
            pass
        return self.process.returncode

    def restored(self) -> bool:
        """Whether the terminal is as it was: its modes, the main screen, a visible cursor, no mouse reports."""
        left = self.output.rfind(b"\x1b[?1049l") > self.output.rfind(b"\x1b[?1049h")
        cursor = self.output.rfind(b"\x1b[?25h") > self.output.rfind(b"\x1b[?25l")
        mouse = self.output.rfind(b"\x1b[?1003l") > self.output.rfind(b"\x1b[?1003h")
        return left and cursor and mouse and termios.tcgetattr(self._slave) == self.before

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._master >= 0:
            self.hang_up()
