"""Runs the tasks of jobs, one after another, in a process that keeps models and SAEs warm; started by a worker.

The worker writes job ids to standard input, and reads a line from standard output whenever the next one can come; it
says how much of the GPU's memory this process keeps.
Everything a task prints goes to its job's log. When the worker is gone, this process ends at once: nobody would see
it, and its device belongs to others. While it starts or is idle the kernel sees to that; in a task a thread does, which
takes along whatever the task started.
"""

import argparse
import contextlib
import ctypes
import faulthandler
import gc
import os
import signal
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobCancelled, JobError
from saetui.jobs.failure import Failure, explain
from saetui.jobs.files import require_plain_tree, touch
from saetui.jobs.folder import JobFolder, Record
from saetui.jobs.history import job_row, keep
from saetui.jobs.submission import sources_of
from saetui.jobs.warm import Warm, give_back, held_on_gpu
from store.plain import open_plain

if TYPE_CHECKING:
    from saetui.jobs.specs import Spec


class Runner:
    """Runs jobs of one store on one device."""

    def __init__(self, store_root: Path, device: str) -> None:
        self._store_root = store_root
        self._device = device
        self._warm = Warm()
        self._in_task = False
        self._told_to_stop = False
        self.held = 0  # bytes of the GPU's memory that stay with this process after the last job

    def run(self, folder: JobFolder) -> bool:
        """Runs a job and records how it ended; False where this process should not run another one."""
        record = folder.read()
        if record.state != "running":
            return True  # Somebody took the worker for dead, or cancelled the job by force.
        try:
            require_plain_tree(folder.path)
            self._print_to(folder.log)
            failure = self._task(folder, record)
        except JobCancelled:
            message = None if folder.is_asked_to_stop else "stopped from outside (SIGTERM)"
            folder.end("cancelled", message, worker=record.worker)
            failure = None
        except (JobError, OSError) as error:
            failure = explain(error)
        if failure is not None:
            folder.end("failed", failure.message, failure.hint, worker=record.worker, of_device=failure.of_device)
        keep(self._store_root, folder)
        gc.collect()
        if failure is None:
            give_back(self._warm)
        self.held = held_on_gpu()
        return not self._told_to_stop and (failure is None or failure.clean)

    def on_sigterm(self, _number: int, _frame: FrameType | None) -> None:
        """A task that did not check for the request to stop is interrupted wherever it is."""
        self._told_to_stop = True
        if self._in_task:
            raise JobCancelled

    def _task(self, folder: JobFolder, record: Record) -> Failure | None:
        from saetui.jobs.registry import find_task
        from saetui.jobs.spec_files import parse_spec

        try:
            self._in_task = True
            spec = parse_spec(folder.read_marked_spec(record), source=str(folder.spec))
            record = self._note_sources(folder, spec)
            with TaskContext(self._store_root, folder, self._device, self._warm) as context:
                find_task(spec.kind)(spec, context)
                if folder.read() != record:
                    raise JobCancelled  # It was ended from outside; its further results belong to nobody.
                context.spool.add("job", [job_row(folder, replace(record, state="done"))])
                self._in_task = False  # From here the job is done; its results are finished undisturbed.
        except JobCancelled:
            self._in_task = False
            raise
        except BaseException as error:
            self._in_task = False
            _print_traceback(error)
            return explain(error)
        folder.end("done", "; ".join(context.notes) or None, worker=record.worker)
        with contextlib.suppress(OSError):
            touch(folder.kept)
        return None

    def _note_sources(self, folder: JobFolder, spec: "Spec") -> Record:
        """Writes down the state of the files that the job is about to read, for who submits the same spec later."""
        sources = sources_of(spec, self._store_root)
        return folder.change(lambda record: replace(record, sources=sources) if record.state == "running" else None)

    @staticmethod
    def _print_to(log: Path) -> None:
        """Sends this process's output, that of native code too, to the job's log."""
        sys.stdout.flush()
        sys.stderr.flush()
        fd = open_plain(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.close(fd)


def _print_traceback(error: BaseException) -> None:
    try:
        traceback.print_exception(error)
        sys.stderr.flush()
    except OSError:
        pass  # A full disk; the state still says why the job failed.


class _Tether:
    """Ties this process to its worker, without a moment in which it could start a task for a dead one."""

    def __init__(self, worker: int) -> None:
        self._lock = threading.Lock()
        self._gone = False
        self._in_job = False
        _die_with_parent(True)
        # The worker may have died before the kernel knew of the request above.
        self._gone = os.getppid() != worker

    def begin_job(self) -> bool:
        """Called before each job; False where there is no worker any more."""
        with self._lock:
            if self._gone:
                return False
            self._in_job = True
            # The kernel would end this process alone, and leave what the task started.
            _die_with_parent(False)
            return True

    def end_job(self) -> None:
        with self._lock:
            self._in_job = False
            _die_with_parent(True)

    def cut(self) -> None:
        """The worker closed its end, or died: a task that runs is ended, with all that it started."""
        with self._lock:
            self._gone = True
            if self._in_job:
                os.killpg(0, signal.SIGKILL)


def _die_with_parent(wanted: bool) -> None:
    """Asks Linux to kill this process when the one that started it ends; elsewhere the closed pipe has to do."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL if wanted else 0, 0, 0, 0)


def _listen(jobs: "SimpleQueue[str | None]", tether: _Tether) -> None:
    """Takes job ids from the worker; at its end this process and all its children end."""
    for line in sys.stdin:
        jobs.put(line.strip())
    jobs.put(None)
    tether.cut()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--device", required=True, help="as torch names it in this process")
    parser.add_argument("--worker", type=int, required=True, help="process id of the worker that started this one")
    arguments = parser.parse_args()
    tether = _Tether(arguments.worker)
    faulthandler.enable()
    ready = os.dup(1)
    os.dup2(2, 1)
    runner = Runner(arguments.store, arguments.device)
    signal.signal(signal.SIGTERM, runner.on_sigterm)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    jobs: SimpleQueue[str | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(jobs, tether), daemon=True).start()
    while (job_id := jobs.get()) is not None:
        if not tether.begin_job():
            break
        another = runner.run(JobFolder(arguments.store / "jobs" / job_id))
        tether.end_job()
        if not another:
            break
        os.write(ready, f"ready {runner.held}\n".encode())
    # Threads of libraries must not keep a finished process, and with it the device's memory.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
