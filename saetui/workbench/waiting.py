"""Results that wait because another program has the store open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.commit import CommitReport


def waiting_text(report: CommitReport) -> str:
    """What waits and for whom, short enough for the status line: ``2 results wait for harlequin (PID 4711)``."""
    results = "1 result waits" if report.waiting == 1 else f"{report.waiting} results wait"
    if report.held_by is None:
        return f"{results} in the spool" if report.waiting else ""
    words = [Path(word).name for word in report.held_by.program.split()] or ["?"]
    # What an interpreter runs says more than the interpreter.
    scripts = [word for word in words[1:] if not word.startswith("-")] if words[0].startswith("python") else []
    return f"{results} for {(scripts or words)[0][:20]} (PID {report.held_by.pid})"
