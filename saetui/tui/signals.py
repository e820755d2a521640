"""The signals that end the interface, and what they do before the app can act on them."""

import signal

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def unwind_on_signals() -> None:
    """Have these signals end the process as an exit would, so that what is open is closed."""
    for number in SIGNALS:
        signal.signal(number, _unwind)


def _unwind(number: int, _: object) -> None:
    raise SystemExit(128 + number)
