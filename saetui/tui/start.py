"""Starting the interface without delay, and ending it whatever ends it."""

import gc
import signal
from pathlib import Path


def run(store_path: Path, at: str | None = None) -> int:
    """Open a store's workbench in the terminal, at a link if one is given; the exit code.

    Raises StoreError where the store cannot be opened and CommandError where the link leads nowhere.
    """
    # Looking for garbage costs a tenth of the start, and what is made before the first paint stays.
    gc.disable()
    from saetui.commands.navigate import Open
    from saetui.commands.workbench import Workbench
    from saetui.tui.app import SIGNALS, WorkbenchApp

    for number in SIGNALS:
        signal.signal(number, _unwind)
    bench = Workbench.open(store_path)
    try:
        if at:
            bench.dispatch(Open(at))
        app = WorkbenchApp(bench)
        # While the terminal is being taken over, a signal has to wait until it can be given back.
        for number in SIGNALS:
            signal.signal(number, app.stop_when_ready)
        app.run()
    finally:
        bench.close()
    return app.return_code or 0


def _unwind(number: int, _: object) -> None:
    raise SystemExit(128 + number)
