"""Results that wait in the spool are taken in before the command line shows a store, or it says why not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from saetui.cli.printing import say

if TYPE_CHECKING:
    from store import Store


def take_in(store: Store) -> None:
    """Take finished results into the store; where it is read-only they wait, and a message says so.

    Raises StoreError where they cannot be taken in for another reason, e.g. a full disk.
    """
    if not all(os.access(path, os.W_OK) for path in (store.root, store.database)):
        waiting = _waiting(store)
        if waiting:
            say(f"{store.root} may only be read, so {_results(waiting)} in {store.spool} and {_are(waiting)} not shown")
        return
    report = store.commit_spool()
    for rejection in report.rejected:
        say(f"a result of job {rejection.job_id} does not fit the store and was set aside: {rejection.reason}")
    if report.held_by is not None:
        holder = f"{report.held_by.program} (PID {report.held_by.pid})"
        say(f"{_results(report.waiting)} in {store.spool}, since {holder} has the store open")


def _waiting(store: Store) -> int:
    from store.manifest import finished

    try:
        return len(finished(store.spool))
    except OSError:
        return 0


def _results(count: int) -> str:
    return "1 result waits" if count == 1 else f"{count} results wait"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
