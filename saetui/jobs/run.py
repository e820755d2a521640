"""Runs a spec without an interface: submit, follow, and return how it ended."""

import time
from collections.abc import Generator, Sequence

from saetui.jobs.client import JobClient
from saetui.jobs.job import Job
from saetui.jobs.submission import Submittable


def follow(client: JobClient, job_id: str, *, poll_s: float = 0.1) -> Generator[Job, None, Job]:
    """Yields the job whenever it has changed, and returns it when it has ended or is blocked.

    Closing the generator early leaves the job running; whoever looks later finds it.
    """
    before: Job | None = None
    while True:
        client.ensure_workers()
        job = client.job(job_id)
        if job != before:
            yield job
            before = job
        if job.is_over:
            return job
        time.sleep(poll_s)


def run_spec(
    client: JobClient,
    spec: Submittable,
    *,
    device: str | None = None,
    after: Sequence[str | Job] = (),
    force: bool = False,
    poll_s: float = 0.1,
) -> Generator[Job, None, Job]:
    """Submits a spec and follows its job; results wait in the store's spool for the caller to commit them."""
    job = client.submit(spec, device, after, force=force)
    return (yield from follow(client, job.id, poll_s=poll_s))


def wait_for(steps: Generator[Job, None, Job]) -> Job:
    """Runs the steps of ``follow`` or ``run_spec`` to the end, for those who only want the outcome."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            job: Job = stop.value
            return job
