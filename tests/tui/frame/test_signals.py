"""Leaving, by key or by signal: the terminal is as it was, the session file is whole, the exit code says why."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .terminal import Terminal

RUN = "import sys; from pathlib import Path; from saetui.tui.start import run; sys.exit(run(Path(sys.argv[1])))"


@pytest.fixture
def terminal(study: Path) -> Iterator[Terminal]:
    terminal = Terminal([sys.executable, "-c", RUN, study])
    terminal.wait_for("w64-k4")
    terminal.wait_for("help")
    yield terminal
    terminal.close()


def recorded(study: Path) -> list[dict[str, object]]:
    (path,) = (study / "sessions").glob("*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("key", ["q", "\x11", "\x03"])
def test_a_key_to_leave_ends_with_code_0(terminal: Terminal, key: str) -> None:
    terminal.type(key)
    assert terminal.wait() == 0
    assert terminal.restored()
    assert not terminal.last_words


def test_an_impatient_ctrl_c_does_not_tear_what_is_being_closed(terminal: Terminal) -> None:
    terminal.type("q")
    while terminal.process.poll() is None:
        terminal.read(0.001)
        # By now a signal, since the terminal has its own modes again.
        if terminal.restored():
            terminal.type("\x03")
    # Either way of leaving is the reason.
    assert terminal.wait() in (0, 128 + signal.SIGINT), terminal.last_words[-300:]
    assert not terminal.last_words.replace("^C", "").strip()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_with_its_number(terminal: Terminal, study: Path, number: signal.Signals) -> None:
    terminal.type("7")
    terminal.wait_for("No jobs yet")
    terminal.signal(number)
    assert terminal.wait() == 128 + number
    assert terminal.restored()
    assert [line["command"] for line in recorded(study)[1:]] == ["screen"]


@pytest.mark.slow
def test_a_lost_terminal_leaves_no_process_and_a_whole_session(terminal: Terminal, study: Path) -> None:
    terminal.type("7")
    terminal.wait_for("No jobs yet")
    terminal.hang_up()
    assert terminal.wait() == 128 + signal.SIGHUP
    assert [line["command"] for line in recorded(study)[1:]] == ["screen"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_the_terminal_is_taken_over_gives_it_back(study: Path, number: signal.Signals) -> None:
    terminal = Terminal([sys.executable, "-c", RUN, study])
    while b"\x1b[?1049h" not in terminal.output:
        assert terminal.read(20)
    terminal.signal(number)
    assert terminal.wait() == 128 + number
    assert terminal.restored()
    terminal.close()
