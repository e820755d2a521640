"""Starting the interface without delay, and ending it whatever ends it."""

import gc
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from saetui.tui.signals import SIGNALS, unwind_on_signals

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench


def run(store_path: Path, at: str | None = None) -> int:
    """Open a store's workbench in the terminal, at a link if one is given; the exit code.

    Raises StoreError where the store cannot be opened and CommandError where the link leads nowhere.
    """
    # Garbage collection costs a tenth of the start, and what is made before the first paint stays.
    gc.disable()
    unwind_on_signals()
    with ThreadPoolExecutor(1) as opener:
        # The database opens while the interface is being imported.
        opening = opener.submit(_open, store_path)
        from saetui.commands.dispatch import dispatch
        from saetui.commands.navigate import Open
        from saetui.tui.app import WorkbenchApp
        from saetui.workbench.screens import screens

        resolve_name(next(iter(screens().values())).view)
        bench = opening.result()
    try:
        if at:
            dispatch(bench, Open(at))
        app = WorkbenchApp(bench)
        # While the terminal is being taken over, a signal has to wait until it can be given back.
        for number in SIGNALS:
            signal.signal(number, app.stop_when_ready)
        app.run()
    finally:
        # A second ctrl+c is meant for what has ended already; it would tear what is being closed.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        bench.close()
        for words in bench.last_words:
            sys.stderr.write(f"saetui: {words}\n")
        # DuckDB complains at exit about objects that were never collected.
        gc.unfreeze()
        gc.enable()
    # The app ends with a code of its own; without one, something else has ended it.
    return 1 if app.return_code is None else app.return_code


def _open(store_path: Path) -> "Workbench":
    from saetui.workbench.workbench import Workbench

    return Workbench.open(store_path)
