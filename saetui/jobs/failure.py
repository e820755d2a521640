"""What went wrong in a job, in plain words, with a hint; knows the errors of torch by name, without torch."""

import errno
import signal
from dataclasses import dataclass

from saetui import device_errors

_SMALLER = "lower batch_size, max_tokens or the SAE widths, or choose a device with more free memory"
_RETRY = "retry the job, since memory that earlier jobs kept is free now; or"
_IN_LOG = "the traceback is in the job's log"
# Signals that end a process through a fault in native code.
_FAULTS = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE})


@dataclass(frozen=True)
class Failure:
    """Why a job failed."""

    message: str
    hint: str | None
    clean: bool = False  # the process that ran it can be trusted with the next job
    of_device: bool = False  # the device failed, and not the job: it may do well on another one


def explain(error: BaseException) -> Failure:
    """The failure behind an exception, the first known one along its chain of causes."""
    known = [failure for failure in map(_known, device_errors.chain(error)) if failure is not None]
    if known:
        # Our own errors describe best what happened; the hint may follow from the cause, such as a full disk.
        hint = next((failure.hint for failure in known if failure.hint is not None), None)
        clean, of_device = all(failure.clean for failure in known), any(failure.of_device for failure in known)
        return Failure(known[0].message, hint, clean, of_device)
    text = str(error).strip()
    return Failure(f"{type(error).__name__}: {text}" if text else type(error).__name__, _IN_LOG)


def explain_exit(returncode: int) -> Failure:
    """The failure behind the end of a process that had not finished its job (``subprocess`` return code)."""
    if returncode >= 0:
        return Failure(f"the process ended with exit code {returncode} before the job was done", _IN_LOG)
    number = -returncode
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    if number == signal.SIGKILL:
        return Failure(f"killed ({name})", f"killed: probably out of memory; {_SMALLER}")
    if number in _FAULTS:
        return Failure(f"crashed in native code ({name})", "the Python stack at the crash is in the job's log")
    return Failure(f"stopped from outside ({name})", "retry the job")


VANISHED = Failure(
    "the worker vanished while the job ran",
    f"killed: probably out of memory, or the machine was restarted; retry the job, or {_SMALLER}",
)


def _known(error: BaseException) -> Failure | None:
    names = device_errors.names_of(error)
    text = str(error).strip()
    lines = text.splitlines()
    first = lines[0] if lines else type(error).__name__
    no_gpu_memory = "CUDA error: out of memory" in text or "_STATUS_ALLOC_FAILED" in text
    if no_gpu_memory or names & {"torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError"}:
        return Failure(f"GPU out of memory: {first}", f"{_RETRY} {_SMALLER}")
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in text or "std::bad_alloc" in text:
        return Failure(f"out of memory: {first}" if text else "out of memory", f"{_RETRY} {_SMALLER}")
    if (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    ) or "No space left on device" in text:
        return Failure(f"disk full: {first}", "free space on the disk of the store (and of /tmp), then retry the job")
    if device_errors.is_of_device(error):
        hint = f"retry the job; if it comes again, check the GPU with nvidia-smi; {_IN_LOG}"
        return Failure(f"GPU error: {first}", hint, of_device=True)
    if isinstance(error, ModuleNotFoundError):
        return Failure(f"missing package: {error.name}", f"install {error.name} where saetui runs, then retry the job")
    # Our own errors are written for people and leave the process as it was.
    if any(name.startswith(("saetui.", "store.")) and name.endswith("Error") for name in names):
        not_a_number = "NaN" in text or "not finite" in text
        return Failure(text, "lower the learning rate or change the seed" if not_a_number else None, clean=True)
    return None
