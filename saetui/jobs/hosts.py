"""The machines on which jobs of a store are queued: this one under all its names, and others that may be gone."""

import os
import platform
from pathlib import Path

from saetui.jobs.exceptions import JobError
from saetui.jobs.files import require_plain
from saetui.jobs.launch import WorkerFiles
from saetui.jobs.pulse import SILENT_S, Pulse, silence_by_clock


class Hosts:
    """Looks at the folders that the workers of each machine have in a store."""

    def __init__(self, jobs: Path, pulse: Pulse) -> None:
        self._jobs = jobs
        self._pulse = pulse

    def here(self, device: str) -> str:
        """The name under which this machine's worker of a device lives: an older one, where it was renamed since."""
        now = platform.node()
        for name in self.names():
            if name != now and self._lives_here(WorkerFiles(self._jobs, device, name)):
                return name
        return now

    def names(self) -> list[str]:
        """All names under which machines have had workers."""
        folder = self._jobs / ".workers"
        try:
            require_plain(self._jobs.parent, folder)
            return sorted(name for name in os.listdir(folder) if not name.startswith("."))
        except (OSError, JobError):
            return []

    def is_gone(self, host: str, device: str) -> bool:
        """Whether another machine's worker of a device will not run what is queued there, as far as is seen from here.

        Its process is one of this machine and has ended, or it has been watched for long and showed no life.
        """
        files = WorkerFiles(self._jobs, device, host)
        holder = files.lease.holder()
        silence = self._pulse.silence(files)
        return silence > SILENT_S or (holder is not None and holder.is_here and not holder.alive)

    def seems_gone(self, host: str, device: str) -> bool:
        """The same at the first look, where clocks that differ may mislead; for what a person asks to run here."""
        files = WorkerFiles(self._jobs, device, host)
        return self.is_gone(host, device) or silence_by_clock(files, 0.0) > SILENT_S

    @staticmethod
    def _lives_here(files: WorkerFiles) -> bool:
        holder = files.lease.holder()
        if holder is None or not holder.is_here or not holder.alive:
            return False
        try:
            return not files.lease.is_free()
        except JobError:
            return False
