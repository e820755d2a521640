"""Whether workers are alive: by whether their heartbeat changes while it is watched, not by comparing clocks."""

import time
from dataclasses import dataclass
from pathlib import Path

from saetui.jobs.launch import WorkerFiles

# A worker beats every second; after this silence it or its machine has stopped.
SILENT_S = 30.0
# After this silence a job of another machine is given up; its own machine knows at once.
LOST_S = 120.0
# Nobody watches between two looks, so a long gap (this process was stopped) counts as a short one.
_STEP_S = 2.0


@dataclass
class _Seen:
    beat: float | None
    silent_s: float
    at: float


class Pulse:
    """Watches the heartbeats of workers; only what was seen from here counts."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}

    def silence(self, files: WorkerFiles) -> float:
        """Seconds for which a worker's heartbeat has been watched without a change; 0 at the first look."""
        beat, now = files.last_beat(), time.monotonic()
        seen = self._seen.get(files.path)
        if seen is None or seen.beat != beat:
            self._seen[files.path] = _Seen(beat, 0.0, now)
            return 0.0
        seen.silent_s += min(now - seen.at, _STEP_S)
        seen.at = now
        return seen.silent_s


def silence_by_clock(files: WorkerFiles, since: float) -> float:
    """Seconds since the last heartbeat (or since ``since`` where there is none), as this machine's clock has it."""
    beat = files.last_beat()
    return max(0.0, time.time() - (since if beat is None else beat))
