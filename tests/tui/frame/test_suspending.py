"""Signals to suspend and to go on that arrive within moments of each other, among keys and changes of size."""

import random
import signal
import sys
import time
from pathlib import Path

import pytest

from .terminal import Terminal
from .test_terminal import RUN

ROOM = (100, 30)
KEYS = ("1", "2", "j", "?", "\x1b", ":", "\x1a")
# How long signals come while it ends.
SIGNALS_S = 5.0
PAUSES_S = (0, 0, 0.001, 0.01, 0.05, 0.15, 0.3)


def burst(terminal: Terminal, rng: random.Random) -> None:
    """Send a drawn number of signals, keys and sizes, most of them without waiting for an effect."""
    for _ in range(rng.randint(10, 60)):
        match rng.choice(("suspend", "suspend", "go on", "go on", "both", "size", "key")):
            case "suspend":
                terminal.signal(signal.SIGTSTP)
            case "go on":
                terminal.signal(signal.SIGCONT)
            case "both":
                terminal.signal(signal.SIGTSTP)
                terminal.signal(signal.SIGCONT)
            case "size":
                terminal.resize(rng.randint(40, 140), rng.randint(10, 45))
            case _:
                terminal.type(rng.choice(KEYS))
        terminal.read(rng.choice(PAUSES_S))


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["key", "signal"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_after_bursts_of_signals_it_works_and_gives_the_terminal_back(seed: int, ends: str, study: Path) -> None:
    terminal = Terminal([sys.executable, "-c", RUN, study, ""])
    try:
        terminal.wait_for("▸")
        burst(terminal, random.Random(seed))
        terminal.resize(*ROOM)
        # It may be suspended, and what was typed meanwhile may suspend it again: it goes on until it stays.
        while terminal.read(0.5) or terminal.is_stopped:
            if terminal.is_stopped:
                terminal.wait_until_stopped()
                assert terminal.restored()
                terminal.signal(signal.SIGCONT)
        assert not terminal.restored()
        if ends == "signal":
            terminal.signal(signal.SIGTERM)
            assert terminal.wait() == 128 + signal.SIGTERM, terminal.last_words
        else:
            # ctrl+q leaves whatever is open, and means nothing to a terminal that has been given back.
            terminal.type("\x11")
            assert terminal.wait() == 0, terminal.last_words
        assert terminal.restored()
    finally:
        terminal.close()


@pytest.mark.slow
@pytest.mark.parametrize("order", [(signal.SIGTSTP, signal.SIGCONT), (signal.SIGCONT, signal.SIGTSTP)])
def test_signals_while_it_ends_take_nothing(order: tuple[signal.Signals, ...], study: Path) -> None:
    terminal = Terminal([sys.executable, "-c", RUN, study, ""])
    try:
        terminal.wait_for("▸")
        terminal.type("q")
        began = time.monotonic()
        while terminal.process.poll() is None:
            for number in order:
                # Whoever is stopped again and again does not come to an end.
                if time.monotonic() < began + SIGNALS_S:
                    terminal.signal(number)
                terminal.read(0.001)
            if terminal.is_stopped:
                terminal.wait_until_stopped()
                assert terminal.restored()
                terminal.signal(signal.SIGCONT)
        assert terminal.wait() == 0, terminal.last_words
        assert terminal.restored()
    finally:
        terminal.close()
