"""A terminal driver that outlives its terminal, and whatever bytes the terminal sends."""

import os
import re
import selectors
import signal
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, TextIO, cast

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

_READ_BYTES = 4096
# Between two looks at whether to end; also the time after which a lone escape is a key and no longer a beginning.
_PATIENCE_S = 0.1
_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"
# Escape and then a key, in one packet, is no key with alt: none has a meaning here but those that move by words in a
# line, which some terminals write with b, d and f.
_ESCAPES_AND_KEY = re.compile(r"(\x1b+)(?=[\r -~])(?![bdf\[OP\]])")
# Silent looks after which a paste has ended although its end was lost on the way; else no key would work again.
_SILENT_LOOKS = 15


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


class KeyReader:
    """Makes keys and other messages of the bytes of a terminal; what makes no sense is left out."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._parser = XTermParser()
        self._tail = ""
        self._n_silent = 0

    def read(self, data: bytes) -> list[Message]:
        """The messages of the next bytes; bytes that are no UTF-8 become U+FFFD."""
        self._n_silent = 0
        return self._fed(self._decoder.decode(data))

    def wait_no_longer(self) -> list[Message]:
        """The messages of what was held back because more could have followed."""
        found = self._messages(self._parser.tick)
        self._n_silent += 1
        if self._n_silent > _SILENT_LOOKS and self._in_paste:
            found += self._fed(_PASTE_ENDS)
        return found

    @property
    def _in_paste(self) -> bool:
        return self._tail.rfind(_PASTE_BEGINS) > self._tail.rfind(_PASTE_ENDS)

    def _fed(self, text: str) -> list[Message]:
        """The messages of a text; an empty one would be the end of all."""
        if not text:
            return []
        tail = self._tail + text
        last = max(tail.rfind(_PASTE_BEGINS), tail.rfind(_PASTE_ENDS))
        # From the last mark on, as far as it matters; or what may be the beginning of one.
        self._tail = tail[last : last + len(_PASTE_BEGINS)] + tail[-5:] if last >= 0 else tail[-5:]
        if self._in_paste or _PASTE_BEGINS in text:
            return self._messages(lambda: self._parser.feed(text))
        found: list[Message] = []
        for number, part in enumerate(_ESCAPES_AND_KEY.split(text)):
            if number % 2:
                found += [events.Key("escape", "\x1b") for _ in part]
            elif part:
                found += self._messages(partial(self._parser.feed, part))
        return found

    def _messages(self, parse: Callable[[], Iterable[Message]]) -> list[Message]:
        found: list[Message] = []
        try:
            found.extend(parse())
        except Exception:  # A parser that met a sequence it cannot read is of no more use.
            self._parser = XTermParser()
        return found


class LastingDriver(LinuxDriver):
    """Textual's driver, whose threads would die with the terminal, or of one byte that is no UTF-8.

    Textual takes the terminal and gives it back inside of its signal handlers, which run between any two instructions:
    one inside of another would keep the app's own modes as those to restore, or wait for a lock that it interrupted.
    Here a handler only notes what is asked, and the event loop does it, one after another.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._has_terminal = False
        # Whether the app runs on the terminal, also while it is suspended.
        self._wants_terminal = False
        # The last signal to suspend or to go on that nothing was done about yet.
        self._asked: int | None = None
        super().__init__(*arguments, **options)
        self._file = cast(Any, LastingFile(cast(TextIO, self._file)))

    def start_application_mode(self) -> None:
        self._wants_terminal = True
        signal.signal(signal.SIGTSTP, self._sigtstp_application)
        signal.signal(signal.SIGCONT, self._sigcont_application)
        self._take()

    def stop_application_mode(self) -> None:
        self._wants_terminal = False
        self._give_back()
        # Nothing is to be given back from now on, nor to be taken.
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)

    def write(self, data: str) -> None:
        """Write to the terminal; what comes while it is given back is left out, since all is drawn again later."""
        if self._writer_thread is not None and self._writer_thread.is_alive():
            super().write(data)

    def _sigtstp_application(self, *_: object) -> None:
        self._ask(signal.SIGTSTP)

    def _sigcont_application(self, *_: object) -> None:
        self._ask(signal.SIGCONT)

    def _ask(self, number: int) -> None:
        self._asked = number
        with suppress(RuntimeError):  # The event loop has been closed.
            self._loop.call_soon_threadsafe(self._obey)

    def _obey(self) -> None:
        """Suspend or go on, as the last signal said."""
        asked, self._asked = self._asked, None
        if asked is None:
            return
        # SIGSTOP cannot be caught: a shell may have changed the terminal although it was never given back.
        self._give_back()
        if asked == signal.SIGCONT:
            if self._wants_terminal:
                self._take()
        elif self._asked is None:  # Otherwise a signal to go on came meanwhile.
            os.kill(os.getpid(), signal.SIGSTOP)

    def _take(self) -> None:
        before = self._writer_thread
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # It returns without having done anything where the program is in the background.
        self._has_terminal = self._writer_thread is not before

    def _give_back(self) -> None:
        if self._has_terminal:
            super().stop_application_mode()
            self.close()
            self._has_terminal = False
            # When the terminal is taken the next time, the app is told.
            self._must_signal_resume = True

    def run_input_thread(self) -> None:
        reader = KeyReader()
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_PATIENCE_S):
                    try:
                        data = os.read(self.fileno, _READ_BYTES)
                    except OSError:
                        data = b""
                    if not data:
                        # Not every way of losing a terminal comes with a signal.
                        os.kill(os.getpid(), signal.SIGHUP)
                        return
                    self._pass_on(reader.read(data))
                self._pass_on(reader.wait_no_longer())

    def _pass_on(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)
