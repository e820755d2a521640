"""The worker of one device: takes jobs from the queue in order and sees each to its end.

``python -m saetui.jobs.worker --store DIR --device cpu``. It holds the device's lease and does no science itself: a
child process runs the tasks and stays warm between them. So whatever happens to a task (a crash in native code, the
kernel's out-of-memory killer, a loop that never ends), the worker is there to say so and to go on with a fresh
child.
"""

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import psutil

from saetui.jobs.client import GRACE_S, JobClient
from saetui.jobs.devices import Device, find_device
from saetui.jobs.exceptions import JobError
from saetui.jobs.failure import VANISHED, explain_exit
from saetui.jobs.files import locked
from saetui.jobs.folder import JobFolder, Record, sweep
from saetui.jobs.history import keep
from saetui.jobs.identity import ProcessIdentity
from saetui.jobs.launch import WorkerFiles, child_environment, python_module
from saetui.jobs.lease import Lease, machine_lease
from saetui.jobs.queue import Queue

_POLL_S = 0.1
_BEAT_S = 1.0
_UNFIT_S = 5.0
_TIDY_S = 30.0
# Between SIGTERM, which interrupts a task wherever it is, and SIGKILL; less where the grace period is less.
_KILL_AFTER_S = 3.0


class Worker:
    """Runs the jobs of one store on one device, until it has been idle for long or is told to stop."""

    def __init__(self, store_root: Path, device: Device, key: str, *, idle_s: float, grace_s: float) -> None:
        self._store_root = store_root
        self._device = device
        self._key = key  # what its jobs call the device: its id, or in records of before its number
        self._idle_s = idle_s
        self._grace_s = grace_s
        self._queue = Queue(store_root / "jobs")
        self._files = WorkerFiles(store_root / "jobs", key)
        self._machine: Lease | None = machine_lease(device.uuid) if device.uuid is not None else None
        self._has_machine = self._machine is None
        self._me = ProcessIdentity.current()
        self._runner: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._next_beat = 0.0
        self._pressed = False
        self._unfit: dict[str, float] = {}  # jobs that could not be started, and when to try again

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Cancels the running job, and leaves; queued jobs stay queued."""
        self._stopping = True

    def run(self) -> None:
        if not self._files.lease.acquire(self._note()):
            return  # Another client was faster; its worker sees the same queue.
        self._files.forget(self._files.leave)
        self._beat()
        self._sweep()
        self._end_orphans()
        idle_since = time.monotonic()
        try:
            while not self._stopping:
                self._beat()
                if self._step():
                    idle_since = time.monotonic()
                elif self._is_unwanted(idle_since):
                    if self._leave():
                        return
                    idle_since = time.monotonic()
                else:
                    time.sleep(_POLL_S)
        finally:
            self._end_runner()
            self._files.forget(self._files.waiting)

    def _step(self) -> bool:
        """Runs the next job; False where there is none, or the device is not free."""
        now = time.monotonic()
        self._unfit = {job_id: until for job_id, until in self._unfit.items() if until > now}
        entry = self._queue.next_job(self._key, but=self._unfit)
        if entry is None or not self._take_machine():
            return False
        try:
            record = entry.folder.start(self._me, self._key)
        except (OSError, JobError) as error:
            # A full disk, or a folder that was damaged: the others go first, and it is tried again.
            self._unfit[entry.folder.job_id] = now + _UNFIT_S
            with contextlib.suppress(OSError, JobError):
                self._files.say_waiting(f"{entry.record.title} cannot be started: {error}")
            return False
        if record is not None:
            self._files.forget(self._files.waiting)
            self._see_to_its_end(entry.folder, record)
        return True

    def _see_to_its_end(self, folder: JobFolder, record: Record) -> None:
        runner = self._running_runner()
        assert runner.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # It died a moment ago, which is seen below.
            runner.stdin.write(record.job_id.encode() + b"\n")
            runner.stdin.flush()
        asked_at: float | None = None
        while (ready := self._hear(runner)) is None:
            self._beat()
            if self._stopping:
                folder.ask_cancel()
            if folder.is_asked_to_stop:
                asked_at = time.monotonic() if asked_at is None else asked_at
                grace_s = 0.0 if os.path.lexists(folder.cancel_now) else self._grace_s
                overdue = time.monotonic() - asked_at - grace_s
                # A job that has recorded its end only cleans up after itself.
                if overdue > 0 and not (overdue < _TIDY_S and _has_ended(folder)):
                    self._press(runner, overdue)
        if not ready:
            self._end_dead(folder, runner)
        self._try_elsewhere(folder)

    def _try_elsewhere(self, folder: JobFolder) -> None:
        """Has a job that the GPU has failed tried again, once; the process that saw it is replaced anyway."""
        with contextlib.suppress(OSError, JobError):
            record = folder.read()
            if record.state == "failed" and record.of_device and not record.is_second:
                client = JobClient(self._store_root, idle_s=self._idle_s, grace_s=self._grace_s)
                client.retry_elsewhere(record.job_id)

    def _hear(self, runner: "subprocess.Popen[bytes]") -> bool | None:
        """Whether the runner is ready for another job; False when it ended, None when it is still busy."""
        assert runner.stdout is not None
        if select.select([runner.stdout], [], [], _POLL_S)[0]:
            said = os.read(runner.stdout.fileno(), 64).decode().split()
            self._say_held(int(said[1]) if len(said) > 1 else 0)
            return bool(said)
        # A process that the task left behind can hold the pipe open.
        return None if runner.poll() is None else False

    def _press(self, runner: "subprocess.Popen[bytes]", overdue: float) -> None:
        """Forces a job that was asked to stop, by how many seconds it is overdue."""
        if overdue > min(_KILL_AFTER_S, self._grace_s):
            _kill_group(runner, signal.SIGKILL)
        elif overdue > 0 and not self._pressed:
            self._pressed = True
            _kill_group(runner, signal.SIGTERM)

    def _end_dead(self, folder: JobFolder, runner: "subprocess.Popen[bytes]") -> None:
        """Ends the job of a runner that ended; where the runner wrote down a failure itself, nothing is left to do."""
        self._end_runner()
        stopped = "stopped by force: it did not stop by itself"
        folder.end_dead(stopped, explain_exit(runner.returncode), worker=self._me)
        keep(self._store_root, folder)

    def _running_runner(self) -> "subprocess.Popen[bytes]":
        if self._runner is None or self._runner.poll() is not None:
            self._end_runner()
            self._runner = self._start_runner()
        self._pressed = False
        return self._runner

    def _start_runner(self) -> "subprocess.Popen[bytes]":
        environment = child_environment()
        environment["CUDA_VISIBLE_DEVICES"] = self._device.uuid or ""
        environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # As nvidia-smi numbers them, not the fastest first.
        # The runner inherits the leases: should it outlive this process for a moment, the device is still taken.
        leases = [self._files.lease, *([self._machine] if self._machine is not None else [])]
        torch_device = "cpu" if self._device.uuid is None else "cuda:0"
        arguments = ["--store", str(self._store_root), "--device", torch_device, "--worker", str(os.getpid())]
        return subprocess.Popen(
            python_module("saetui.jobs.runner", *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
            pass_fds=[lease.fd for lease in leases],
            cwd=self._store_root,
            env=environment,
        )

    def _end_runner(self) -> None:
        """Ends the runner and whatever it started; a new one is started when the next job needs it."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        assert runner.stdin is not None
        assert runner.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            runner.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            runner.wait(_KILL_AFTER_S)
        _kill_group(runner, signal.SIGKILL)
        runner.wait()
        runner.stdout.close()
        self._say_held(0)

    def _say_held(self, n_bytes: int) -> None:
        with contextlib.suppress(OSError, JobError):
            self._files.say_held(n_bytes)

    def _take_machine(self) -> bool:
        """Takes the GPU for this store; where another one computes on it, asks for it and says so."""
        if self._machine is None or self._has_machine:
            return True
        if self._machine.acquire(self._note()):
            self._has_machine = True
            self._files.forget(self._files.waiting)
            return True
        self._machine.ask_for()
        user, store = self._machine.said("user"), self._machine.said("store")
        with contextlib.suppress(OSError, JobError):
            self._files.say_waiting(f"{self._device.name} is in use by {user} (store {store})")
        return False

    def _is_unwanted(self, idle_since: float) -> bool:
        if self._machine is not None and self._has_machine and self._machine.is_asked_for():
            return True
        if os.path.lexists(self._files.leave) or not self._files.path.exists():
            return True
        return time.monotonic() - idle_since > self._idle_s

    def _leave(self) -> bool:
        """Gives the device up; False where a job came in that moment and this worker took the device again.

        Who submits a job first writes it and then looks whether the lease is held; here the lease is first released and
        then the queue looked at. So one of the two sees the other, and no job is left without a worker.
        """
        self._end_runner()
        if self._machine is not None:
            self._machine.release()
            self._has_machine = False
        self._files.lease.release()
        if self._queue.next_job(self._key) is None:
            return True
        return not self._files.lease.acquire(self._note())

    def _sweep(self) -> None:
        """Removes what clients that were killed left of jobs they were about to queue."""
        jobs = self._store_root / "jobs"
        with contextlib.suppress(OSError, JobError), locked(jobs / ".submit.lock"):
            sweep(jobs)

    def _end_orphans(self) -> None:
        """The device is ours, so jobs that still run on it by their state have lost their worker."""
        for entry in self._queue.entries().values():
            record = entry.record
            if record.device != self._key or record.host != self._me.host:
                continue
            with contextlib.suppress(OSError, JobError):
                if record.state == "running":
                    record = entry.folder.end("failed", VANISHED.message, VANISHED.hint, worker=record.worker)
                if record.has_ended:
                    keep(self._store_root, entry.folder)

    def _beat(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + _BEAT_S
            with contextlib.suppress(OSError, JobError):  # The store was removed, or its disk is full for a moment.
                self._files.beat()

    def _note(self) -> dict[str, object]:
        return {
            "worker": self._me.to_json(),
            "user": psutil.Process().username(),
            "store": str(self._store_root),
            "device": self._key,
        }


def _has_ended(folder: JobFolder) -> bool:
    try:
        return folder.read().has_ended
    except (OSError, JobError):
        return False


def _kill_group(runner: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(runner.pid, number)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--device", required=True, help='"cpu", "cuda:0", … or the id of a GPU')
    parser.add_argument("--idle", type=float, required=True, help="seconds to stay warm without work")
    parser.add_argument("--grace", type=float, default=GRACE_S, help="seconds a cancelled job has to stop by itself")
    options = parser.parse_args(arguments)
    try:
        device = find_device(options.device)
        worker = Worker(options.store.resolve(), device, options.device, idle_s=options.idle, grace_s=options.grace)
        signal.signal(signal.SIGTERM, worker.stop)
        signal.signal(signal.SIGINT, worker.stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        worker.run()
    except JobError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
