"""Where things lie in a store's folder."""

from dataclasses import dataclass
from pathlib import Path

DATABASE = "saetui.duckdb"


@dataclass(frozen=True)
class Folder:
    """The folder of a store, and the paths in it."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / DATABASE

    @property
    def tensors(self) -> Path:
        """SAE weights, probe directions and dense activations, as safetensors."""
        return self.root / "tensors"

    @property
    def spool(self) -> Path:
        """Results that wait to be committed."""
        return self.root / "spool"

    @property
    def jobs(self) -> Path:
        """One folder per job."""
        return self.root / "jobs"

    @property
    def locks(self) -> Path:
        """Files by which processes on one store make room for each other; they hold no data."""
        return self.root / "locks"

    @property
    def commit_lock(self) -> Path:
        """Held exclusively by the one process that commits."""
        return self.locks / "commit.lock"

    @property
    def readers_lock(self) -> Path:
        """Held shared while a process reads the database, exclusively while one writes it."""
        return self.locks / "readers.lock"

    @property
    def request(self) -> Path:
        """There while a process wants the readers to make room."""
        return self.locks / "request"

    @property
    def clock(self) -> Path:
        """The number of the last attempt of a job."""
        return self.locks / "attempt"

    def backup(self, version: int) -> Path:
        """The copy that is kept of a database of an older schema before it is upgraded."""
        return self.root / f"saetui.v{version}.duckdb"

    def make(self) -> None:
        """Create the folders of a store; those that exist are left alone."""
        for path in (self.root, self.tensors, self.spool, self.jobs, self.locks):
            path.mkdir(parents=True, exist_ok=True)
