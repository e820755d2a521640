"""A terminal driver that outlives its terminal: a lost connection ends the app, it does not leave it hanging."""

import os
import signal
from typing import Any, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver


class LastingFile:
    """A file that swallows what is written to it once the terminal behind it is gone."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._gone = False

    def write(self, text: str) -> int:
        if not self._gone:
            try:
                return self._file.write(text)
            except OSError:
                self._gone = True
        return len(text)

    def flush(self) -> None:
        if not self._gone:
            try:
                self._file.flush()
            except OSError:
                self._gone = True

    def fileno(self) -> int:
        return self._file.fileno()


class LastingDriver(LinuxDriver):
    """Textual's driver, whose writing thread would die with the terminal while the app goes on waiting for it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file = cast(Any, LastingFile(cast(TextIO, self._file)))

    def run_input_thread(self) -> None:
        try:
            super().run_input_thread()
        except OSError:
            # Not every way of losing a terminal comes with a signal.
            os.kill(os.getpid(), signal.SIGHUP)
