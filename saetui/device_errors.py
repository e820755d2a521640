"""What goes wrong with a device, told from other faults; knows torch's errors by name, without torch."""

from collections.abc import Iterator
from typing import Literal

Kind = Literal["memory", "device", "mixing"]

_NO_MEMORY = frozenset({"torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError"})
_NO_MEMORY_SAID = ("CUDA error: out of memory", "_STATUS_ALLOC_FAILED", "CUDA out of memory", "DefaultCPUAllocator")
_BROKEN = frozenset({"torch.AcceleratorError"})
_BROKEN_SAID = (
    "CUDA error",
    "CUDA driver error",
    "CUDNN_STATUS",
    "CUBLAS_STATUS",
    "CUSOLVER_STATUS",
    "CUSPARSE_STATUS",
    "NCCL error",
    "no kernel image is available",
    "device-side assert",
    "uncorrectable ECC error",
)
_MIXED_SAID = "Expected all tensors to be on the same device"


def kind_of(error: BaseException) -> Kind | None:
    """Whether an error or its cause says that memory ran out, the device failed or devices were mixed; else None."""
    kinds = [kind for kind in map(_kind, chain(error)) if kind is not None]
    return kinds[0] if kinds else None


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, as a traceback shows them."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def names_of(error: BaseException) -> set[str]:
    """The full names of an error's class and of those that it is derived from."""
    return {f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__}


def is_of_memory(error: BaseException) -> bool:
    """Whether this very error says that there is no memory left."""
    text = str(error)
    said = any(words in text for words in _NO_MEMORY_SAID)
    return isinstance(error, MemoryError) or bool(names_of(error) & _NO_MEMORY) or said


def is_of_device(error: BaseException) -> bool:
    """Whether this very error says that the device does not compute; that memory ran out is another kind."""
    text = str(error)
    said = isinstance(error, RuntimeError) and any(words in text for words in _BROKEN_SAID)
    return not is_of_memory(error) and (said or bool(names_of(error) & _BROKEN))


def _kind(error: BaseException) -> Kind | None:
    if is_of_memory(error):
        return "memory"
    if is_of_device(error):
        return "device"
    return "mixing" if isinstance(error, RuntimeError) and _MIXED_SAID in str(error) else None
