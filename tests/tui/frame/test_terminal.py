"""The program on a terminal that is too small, changes its size, sends nonsense, and is needed by a shell meanwhile."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .terminal import Terminal
from .test_bytes import INVALID, SENSELESS

RUN = (
    "import sys; from pathlib import Path; from saetui.tui.start import run\n"
    "sys.exit(run(Path(sys.argv[1]), sys.argv[2] or None))"
)
PLACES = ("", "letters/s", "letters/s/18", "absorption/s", "hard_tokens", "pursuit", "jobs", "overview")
SMALL = ((50, 12), (20, 5), (59, 40), (200, 14))


@pytest.fixture
def terminal(study: Path) -> Iterator[Terminal]:
    terminal = Terminal([sys.executable, "-c", RUN, study, ""])
    terminal.wait_for("w64-k4")
    terminal.wait_for("help")
    # There is a cursor, so that keys are about something.
    terminal.wait_for("▸")
    yield terminal
    terminal.close()


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_started_small_at_any_place_it_works_once_there_is_room(place: str, study: Path) -> None:
    terminal = Terminal([sys.executable, "-c", RUN, study, place], columns=50, rows=12)
    try:
        for size in SMALL:
            terminal.resize(*size)
            terminal.wait_for(f"{size[0]}×{size[1]}")
            seen = len(terminal.output)
            terminal.resize(100, 30)
            terminal.wait_for("help", since=seen)
            seen = len(terminal.output)
            terminal.type("?")
            terminal.wait_for("⎋ close", since=seen)
            terminal.type("q")
            while terminal.read(0.5):
                pass
        terminal.type("q")
        assert terminal.wait() == 0, terminal.last_words
        assert terminal.restored()
    finally:
        terminal.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [(1, 1), *(pytest.param(size, marks=pytest.mark.slow) for size in ((10, 3), (300, 1), (59, 14), (79, 23)))]
)
def test_started_at_any_size_it_works_once_there_is_room(size: tuple[int, int], study: Path) -> None:
    terminal = Terminal([sys.executable, "-c", RUN, study, "letters/s/18"], columns=size[0], rows=size[1])
    try:
        while b"\x1b[?1049h" not in terminal.output:
            assert terminal.read(20)
        # What does not fit is not drawn again and again.
        end = time.monotonic() + 20
        while terminal.read(0.5):
            assert time.monotonic() < end, "The screen does not come to rest."
        seen = len(terminal.output)
        terminal.resize(100, 30)
        terminal.wait_for("help", since=seen)
        terminal.type("7")
        terminal.wait_for("No jobs yet")
        terminal.type("q")
        assert terminal.wait() == 0, terminal.last_words
        assert terminal.restored()
    finally:
        terminal.close()


@pytest.mark.slow
@pytest.mark.parametrize("opened", ["", ":", "/", "n", "\x10", "?", "Q"])
def test_bytes_that_are_no_utf_8_end_nothing_whatever_is_open(opened: str, terminal: Terminal) -> None:
    terminal.type(opened)
    for data in (*INVALID, *SENSELESS):
        terminal.type(data)
        terminal.read(0.02)
    while terminal.read(0.3):
        pass
    assert terminal.process.poll() is None, terminal.last_words
    terminal.type("\x03" if opened else "")
    while terminal.read(0.3):
        pass
    terminal.type("\x03")
    assert terminal.wait() == 0, terminal.last_words
    assert terminal.restored()


@pytest.mark.slow
@pytest.mark.parametrize("opened", ["", ":", "n", "?"])
def test_ctrl_z_gives_the_terminal_back_until_fg(opened: str, terminal: Terminal) -> None:
    terminal.type(opened)
    while terminal.read(0.5):
        pass
    for columns in (100, 120):
        terminal.type("\x1a")
        terminal.wait_until_stopped()
        assert terminal.restored()
        # The shell's terminal may have another size when it is brought back.
        terminal.resize(columns, 30)
        seen = len(terminal.output)
        terminal.signal(signal.SIGCONT)
        terminal.wait_for("speller", since=seen)
        assert not terminal.restored()
    if opened:
        terminal.type("\x03")
        while terminal.read(0.5):
            pass
    terminal.type("7")
    terminal.wait_for("No jobs yet")
    terminal.type("q")
    assert terminal.wait() == 0, terminal.last_words
    assert terminal.restored()


@pytest.mark.slow
def test_a_program_that_ends_while_suspended_gives_the_terminal_back(terminal: Terminal) -> None:
    terminal.type("\x1a")
    terminal.wait_until_stopped()
    terminal.signal(signal.SIGTERM)
    terminal.signal(signal.SIGCONT)
    assert terminal.wait() == 128 + signal.SIGTERM
    assert terminal.restored()


@pytest.mark.slow
@pytest.mark.parametrize("before", [(), (signal.SIGSTOP,)])
def test_a_signal_to_go_on_takes_the_terminal_once(before: tuple[signal.Signals, ...], terminal: Terminal) -> None:
    for _ in range(2):
        for number in (*before, signal.SIGCONT):
            terminal.signal(number)
            while terminal.read(0.5):
                pass
    terminal.type("7")
    terminal.wait_for("No jobs yet")
    terminal.type("q")
    assert terminal.wait() == 0, terminal.last_words
    assert terminal.restored()
