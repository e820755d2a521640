"""Plays of jobs for ``kill.py``: a client, a worker and a runner, any of which may die at any step."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import forks
import kit
from stress_tasks import ROWS, RowsSpec

from saetui.jobs import Job, JobClient, JobError
from saetui.jobs.lease import Lease

_PATIENCE_S = 40.0


class BrokenError(Exception):
    """What must not be: ``kind`` is lost, doubled, stuck or wrong."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


def client_of(root: Path) -> JobClient:
    return JobClient(root, idle_s=20, grace_s=0.4)


def made(root: Path) -> None:
    """An empty store."""
    from store import Store

    Store.open(root, create=True).close()


# Plays


def play_chain(root: Path) -> None:
    """Two jobs, one after the other, from their submission to their end."""
    client = client_of(root)
    first = client.submit(RowsSpec(label="a"))
    client.submit(RowsSpec(label="b", flushes=1), after=[first])
    settle(client, ("a", "b"))
    client.release_workers()


def play_cancel(root: Path, *, now: bool) -> None:
    """A job that is cancelled while it runs."""
    client = client_of(root)
    job = client.submit(RowsSpec(label="slow", flushes=200, pause_s=0.05))
    _until(lambda: _looked(client, job).progress is not None or client.job(job.id).has_ended, "the job does not begin")
    client.cancel(job.id, now=now)
    _until(lambda: _looked(client, job).has_ended, "the job does not end")
    client.release_workers()


def play_retry(root: Path) -> None:
    """A job that fails, and one that waits for it; both are run again when what was missing is there."""
    client = client_of(root)
    first = client.submit(RowsSpec(label="a", needs="mended"))
    client.submit(RowsSpec(label="b", flushes=1), after=[first])
    _until(lambda: _looked(client, first).has_ended, "the job does not end")
    (root / "mended").touch()
    settle(client, ("a", "b"))
    client.release_workers()


def settle(
    client: JobClient, labels: Iterable[str], of: Callable[[Job], str] = lambda job: str(job.spec["label"])
) -> None:
    """Wait until the newest job of each label is done; what failed is run again, as a person would."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        client.ensure_workers()
        newest = {of(job): job for job in client.jobs()}
        states = {label: newest[label].state if label in newest else "missing" for label in labels}
        if set(states.values()) == {"done"}:
            return
        if time.monotonic() > deadline:
            waits = {label: job.waiting for label, job in newest.items()}
            raise BrokenError("stuck", f"after {_PATIENCE_S:.0f} s the jobs are {states}, waiting {waits}")
        for label in labels:
            job = newest.get(label)
            behind = job is not None and job.state == "queued" and getattr(job, "blocked", None)
            if job is not None and (job.state in ("failed", "cancelled") or behind):
                try:
                    client.retry(job.id)
                except JobError:
                    continue  # It waits for another label, which is run again first.
        time.sleep(0.02)


def _looked(client: JobClient, job: Job) -> Job:
    """The job now; whoever looks at jobs sees to it that workers run."""
    client.ensure_workers()
    return client.job(job.id)


def _until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise BrokenError("stuck", what)
        time.sleep(0.02)


# What must hold afterwards


def recover_chain(root: Path) -> None:
    _no_early_rows(root, {"a": 2, "b": 1})
    play_chain(root)
    _all_done(root, {"a": 2, "b": 1})


def recover_retry(root: Path) -> None:
    (root / "mended").touch()
    _no_early_rows(root, {"a": 2, "b": 1})
    client = client_of(root)
    if not client.jobs():
        client.submit(RowsSpec(label="a", needs="mended"))
    by_label = {str(job.spec["label"]): job for job in client.jobs()}
    if "b" not in by_label:
        client.submit(RowsSpec(label="b", flushes=1), after=[by_label["a"]])
    settle(client, ("a", "b"))
    client.release_workers()
    _all_done(root, {"a": 2, "b": 1})


def _asked_in_time(job: Job) -> bool:
    """Whether the wish to stop was there before the job ended."""
    try:
        wish = job.folder.cancel.stat().st_mtime
    except FileNotFoundError:
        return False
    return job.ended is None or wish <= job.ended.timestamp()


def recover_cancel(root: Path) -> None:
    client = client_of(root)
    asked = {job.id: _asked_in_time(job) for job in client.jobs()}
    for job in client.jobs():
        if not job.has_ended:
            client.cancel(job.id, now=True)

    def at_rest() -> bool:
        client.ensure_workers()
        return all(job.has_ended for job in client.jobs())

    _until(at_rest, "the job does not end")
    client.release_workers()
    for job in client.jobs():
        if asked.get(job.id) and job.state != "cancelled":
            raise BrokenError("wrong", f"the job was asked to stop, and is {job.state}: {job.message}")
        if job.state not in ("cancelled", "failed") or not (job.message or job.state == "cancelled"):
            raise BrokenError("wrong", f"the job is {job.state}: {job.message}")
    nobody_left(root, client)
    rows = _rows(root)
    values = rows.get("slow", [])
    if values != [float(v) for v in range(len(values))] or len(values) % ROWS:
        raise BrokenError("doubled", f"the rows of the cancelled job are {values[:20]}…")


def _no_early_rows(root: Path, flushes: dict[str, int]) -> None:
    """What the store says of a job that is not done must not be that it is."""
    client = client_of(root)

    def at_rest() -> bool:
        client.ensure_workers()
        states = {job.id: job.state for job in client.jobs()}
        behind = [job for job in client.jobs() if any(states.get(other) != "done" for other in job.after)]
        return all(job.has_ended or job in behind for job in client.jobs())

    _until(at_rest, "a job neither runs on nor ends")
    rows = _rows(root)
    for label, job in {str(job.spec["label"]): job for job in client.jobs() if job.has_ended}.items():
        whole = len(rows.get(label, [])) == flushes[label] * ROWS
        if whole and job.state in ("failed", "cancelled"):
            raise BrokenError(
                "wrong", f"all rows of job {label} are in the store, but it is {job.state}: {job.message}"
            )
        if not whole and job.state == "done":
            raise BrokenError("lost", f"job {label} is done, and the store has {len(rows.get(label, []))} of its rows")


def _all_done(root: Path, flushes: dict[str, int]) -> None:
    client = client_of(root)
    nobody_left(root, client)
    states = [(str(job.spec["label"]), job.state, job.id) for job in client.jobs()]
    for label in flushes:
        live = [state for name, state, _ in states if name == label and state not in ("failed", "cancelled")]
        if live != ["done"]:
            raise BrokenError("doubled" if len(live) > 1 else "lost", f"the jobs of {label} are {states}")
    rows = _rows(root)
    for label, n in flushes.items():
        if rows.get(label) != [float(v) for v in range(n * ROWS)]:
            found = len(rows.get(label, []))
            kind = "doubled" if found > n * ROWS else "lost"
            raise BrokenError(kind, f"the store has {found} rows of job {label} for {n * ROWS}")
    said = _job_rows(root)
    for label, state, job_id in states:
        if job_id in said and said[job_id] != state:
            raise BrokenError("wrong", f"job {label} is {state}, but the store says {said[job_id]}")


def nobody_left(root: Path, client: JobClient) -> None:
    pids = root.parent / "pids"
    leases = [(path.parent.name, Lease(path)) for path in root.glob("jobs/.workers/*/*/device.lease")]
    gone = time.monotonic() + 8
    # A process that is just being started holds the lease of the one that starts it, and is not written down yet.
    while (forks.living(pids) or any(not lease.is_free() for _, lease in leases)) and time.monotonic() < gone:
        client.release_workers()
        time.sleep(0.02)
    if left := forks.living(pids):
        roles = dict(line.split()[:2] for line in pids.read_text().splitlines())
        raise BrokenError("stuck", f"still running: {', '.join(roles[str(pid)] for pid in left)}")
    for device, lease in leases:
        if not lease.is_free():
            raise BrokenError("stuck", f"{device} is still leased")


def _rows(root: Path) -> dict[str, list[float]]:
    """The rows of each label, once the spool is committed; asked in a fork, since a database does not survive one."""
    return {str(sae): list(values) for sae, values in asked(root, _ask_rows)}


def _ask_rows(root: Path) -> list[tuple[object, ...]]:
    from store import Store

    with Store.open(root) as store:
        report = store.commit_spool()
        if report.rejected:
            raise BrokenError("lost", f"a result was rejected: {report.rejected[0].reason}")
        found = store.fetch("SELECT sae_id, list(activation ORDER BY activation) FROM latent_activation GROUP BY ALL")
        index = store.fetch("SELECT sae_id, sum(len(latents)) FROM token_latent GROUP BY sae_id")
        if {str(sae): len(values) for sae, values in found.rows} != {str(s): int(n) for s, n in index.rows}:
            raise BrokenError("wrong", "the two orders of the activations differ")
    if left := [path.name for path in (root / "spool").iterdir()]:
        raise BrokenError("wrong", f"the spool still has {left} after a commit")
    return found.rows


def _job_rows(root: Path) -> dict[str, str]:
    return {str(job): str(state) for job, state in asked(root, _ask_jobs)}


def _ask_jobs(root: Path) -> list[tuple[object, ...]]:
    from store import Store

    with Store.open(root) as store:
        return store.fetch("SELECT job_id, state FROM job").rows


def asked(root: Path, ask: Callable[[Path], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """What a question finds, asked in a fork of this process."""
    import pickle

    answer = root.parent / "answer.pickle"

    def play() -> None:
        try:
            answer.write_bytes(pickle.dumps(ask(root)))
        except BrokenError as broken:
            answer.write_bytes(pickle.dumps((broken.kind, str(broken))))

    ended = kit.run(play, root.parent / "question.txt", 60)
    if ended.how != "good":
        raise BrokenError(
            "stuck" if ended.how == "endless" else "wrong", f"the store cannot be asked: {kit.last_line(ended.text)}"
        )
    found = pickle.loads(answer.read_bytes())
    if isinstance(found, tuple):
        raise BrokenError(found[0], found[1])
    return list(found)
