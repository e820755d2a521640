"""Jobs: what takes long runs in processes of its own, described by specs and followed through a folder on disk."""

from typing import TYPE_CHECKING, Any

from saetui.jobs.client import JobClient
from saetui.jobs.exceptions import JobCancelled, JobError
from saetui.jobs.job import Job
from saetui.jobs.progress import Progress

if TYPE_CHECKING:
    from saetui.jobs.spec_files import load_spec, parse_spec

__all__ = ["Job", "JobCancelled", "JobClient", "JobError", "Progress", "load_spec", "parse_spec"]


def __getattr__(name: str) -> Any:
    # Specs bring pydantic, which must not delay the first paint.
    if name in ("load_spec", "parse_spec"):
        from saetui.jobs import spec_files

        return getattr(spec_files, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
