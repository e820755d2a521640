"""What is said of an exception, and of the end of a process."""

import errno
import signal

import pytest
import torch

from saetui import device_errors
from saetui.jobs import JobError
from saetui.jobs.failure import explain, explain_exit
from saetui.sae import SAEError
from store import StoreError


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "message", "hint", "clean"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried\nmore"),
            "GPU out of memory: CUDA out of memory.",
            "lower",
            0,
        ),
        (RuntimeError("CUDA error: out of memory\nCompile with"), "GPU out of memory: CUDA error", "lower", 0),
        (
            RuntimeError("CUDA error: device-side assert triggered"),
            "GPU error: CUDA error: device-side",
            "nvidia-smi",
            0,
        ),
        (MemoryError(), "out of memory", "lower", 0),
        (caused(RuntimeError("gone"), MemoryError()), "out of memory", "lower", 0),
        (OSError(errno.ENOSPC, "No space left on device", "x"), "disk full: ", "free space", 0),
        (RuntimeError("write failed: No space left on device"), "disk full: write failed", "free space", 0),
        (ModuleNotFoundError("No module named 'datasets'", name="datasets"), "missing package: datasets", "install", 0),
        (SAEError("w8-k4: NaN in step 3 of 9"), "w8-k4: NaN in step 3 of 9", "learning rate", 1),
        (JobError("saes: no SAE 'x'"), "saes: no SAE 'x'", None, 1),
        (caused(StoreError("spool: full"), OSError(errno.ENOSPC, "full")), "spool: full", "free space", 0),
        (ValueError("bad"), "ValueError: bad", "log", 0),
        (ValueError(), "ValueError", "log", 0),
    ],
)
def test_an_exception_becomes_a_message_with_a_hint(
    error: Exception, message: str, hint: str | None, clean: int
) -> None:
    failure = explain(error)
    assert failure.message.startswith(message)
    assert "\n" not in failure.message
    assert (hint is None and failure.hint is None) or (hint or "") in (failure.hint or "")
    assert failure.clean == bool(clean)


def test_memory_that_the_cpu_lacks_becomes_a_hint() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert explain(error.value).message.startswith("out of memory: ")


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        (-signal.SIGKILL, "killed (SIGKILL)", "probably out of memory"),
        (-signal.SIGSEGV, "crashed in native code (SIGSEGV)", "log"),
        (-signal.SIGTERM, "stopped from outside (SIGTERM)", "retry"),
        (-(signal.SIGRTMIN + 5), "stopped from outside (signal ", "retry"),
        (3, "the process ended with exit code 3", "log"),
    ],
)
def test_the_end_of_a_process_becomes_a_message_with_a_hint(code: int, message: str, hint: str) -> None:
    failure = explain_exit(code)
    assert failure.message.startswith(message)
    assert hint in (failure.hint or "")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried"), "memory"),
        (RuntimeError("CUDA error: out of memory"), "memory"),
        (MemoryError(), "memory"),
        (caused(ValueError("no fit"), torch.OutOfMemoryError("CUDA out of memory.")), "memory"),
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), "device"),
        (RuntimeError("CUDA error: no kernel image is available for execution on the device"), "device"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), "device"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling"), "device"),
        (RuntimeError("Expected all tensors to be on the same device, but found cuda:0 and cpu"), "mixing"),
        (RuntimeError("The size of tensor a (3) must match"), None),
        (ValueError("CUDA error in a text of somebody's"), None),
        (SAEError("w8: NaN"), None),
    ],
)
def test_errors_of_the_device_are_told_from_others(error: Exception, kind: str | None) -> None:
    assert device_errors.kind_of(error) == kind
    assert explain(error).of_device == (kind == "device")
