"""Jobs for the tests, and conditions to wait for."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from saetui.jobs import Job, JobClient, parse_spec
from saetui.jobs.identity import ProcessIdentity
from saetui.jobs.lease import Lease
from saetui.jobs.submission import Submittable


def workers(root: Path) -> list[ProcessIdentity]:
    """The living workers of a store."""
    notes = [Lease(path).note() for path in root.glob("jobs/.workers/*/*/device.lease")]
    found = [ProcessIdentity.from_json(note["worker"]) for note in notes if "worker" in note]
    return [worker for worker in found if worker.alive]


def end_workers(root: Path) -> None:
    def gone() -> bool:
        living = workers(root)
        for worker in living:  # Also one that waited for the lease of the one before.
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGTERM)
        return not living

    wait_until(gone)


def wait_until(condition: Callable[[], object], *, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def count(to: int = 1, pause_s: float = 0.0, label: str = "") -> Submittable:
    return parse_spec({"kind": "count", "to": to, "pause_s": pause_s, "label": label})


def trouble(how: str, label: str = "") -> Submittable:
    return parse_spec({"kind": "trouble", "how": how, "label": label})


def endless(label: str = "") -> Submittable:
    """A job that stops only when asked."""
    return count(10_000, 0.05, label)


def ended(client: JobClient, job: Job | str, *, timeout_s: float = 30) -> Job:
    """The job when it has ended."""
    job_id = job if isinstance(job, str) else job.id
    wait_until(lambda: client.job(job_id).has_ended, timeout_s=timeout_s)
    return client.job(job_id)


def underway(client: JobClient, job: Job) -> Job:
    """The job when its task has said something."""
    wait_until(lambda: client.job(job.id).progress is not None or client.job(job.id).log_tail(1))
    running = client.job(job.id)
    assert running.state == "running", running
    return running
