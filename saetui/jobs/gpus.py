"""The GPUs of this machine, as NVML tells of them: opened once for a process, and each GPU asked for itself."""

import os
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

# What NVML numbers these errors; stand-ins for it in tests need not have its names.
_NOT_SUPPORTED = 3
_NO_LIBRARY = 12
_WRONG_VERSION = 18


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a part of one that MIG made, and how busy it is now."""

    uuid: str | None  # None where it does not even tell that
    label: str
    utilisation: float | None = None  # share of recent time that it was computing, 0 to 1
    memory_used: int | None = None  # bytes
    memory_total: int | None = None  # bytes
    trouble: str = ""  # why it cannot be used


@dataclass(frozen=True)
class Gpus:
    """The GPUs that this process may use, or why none can be told."""

    found: tuple[Gpu, ...] = ()
    hidden: tuple[Gpu, ...] = ()  # those that CUDA_VISIBLE_DEVICES leaves out
    trouble: str = ""
    driver: str = ""  # its version


class _Nvml:
    """NVML, once it is open; it is opened again where the driver was exchanged meanwhile."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = False

    def look(self) -> Gpus:
        import pynvml

        with self._lock:
            try:
                if not self._open:
                    pynvml.nvmlInit()
                    self._open = True
                count = pynvml.nvmlDeviceGetCount()
                driver = _driver()
            except pynvml.NVMLError as error:
                self._open = False
                return Gpus(trouble=_why_no_nvml(error))
            gpus = [gpu for index in range(count) for gpu in _gpus_at(index)]
        visible, trouble = visible_gpus(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
        hidden = tuple(gpu for gpu in gpus if gpu not in visible)
        return Gpus(tuple(visible), hidden, trouble, driver)

    def close(self) -> None:
        """Have it opened again with the next look."""
        with self._lock:
            self._open = False


_nvml = _Nvml()
look_at_gpus = _nvml.look
close_nvml = _nvml.close


def _driver() -> str:
    import pynvml

    try:
        return str(pynvml.nvmlSystemGetDriverVersion())
    except (pynvml.NVMLError, AttributeError):
        return "?"


def _why_no_nvml(error: Any) -> str:
    """Why NVML tells nothing; empty on a machine without a driver, which is no trouble."""
    number = getattr(error, "value", None)
    if number == _NO_LIBRARY:
        return ""
    if number == _WRONG_VERSION:
        return (
            "the NVIDIA driver was updated and is not the one that runs: "
            "load it again (restart the machine, or reload its kernel modules)"
        )
    return f"the NVIDIA driver does not answer ({error}); look whether nvidia-smi does"


def _gpus_at(index: int) -> list[Gpu]:
    """A whole GPU, or the instances that MIG made of it; of a GPU with MIG on and no instance there are none."""
    import pynvml

    label = f"GPU {index}"
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        label = _told(pynvml.nvmlDeviceGetName, handle) or label
        instances = _instances(handle)
        if instances is None:
            return [_gpu(handle, label)]
        return [_gpu(instance, _told(pynvml.nvmlDeviceGetName, instance) or label) for instance in instances]
    except pynvml.NVMLError as error:
        return [Gpu(None, label, trouble=str(error))]


def _instances(gpu: object) -> list[object] | None:
    """The MIG instances of a GPU; None where it is whole."""
    import pynvml

    try:
        if pynvml.nvmlDeviceGetMigMode(gpu)[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            return None
        count = pynvml.nvmlDeviceGetMaxMigDeviceCount(gpu)
    except pynvml.NVMLError:
        return None
    found = []
    for index in range(count):
        try:
            found.append(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index))
        except pynvml.NVMLError:
            continue  # Places for instances that were not made.
    return found


def _gpu(handle: object, label: str) -> Gpu:
    import pynvml

    gpu = Gpu(None, label)
    try:
        gpu = replace(gpu, uuid=pynvml.nvmlDeviceGetUUID(handle))
        # MIG instances have no utilisation, boards whose memory is the machine's own have no memory.
        rates = _told(pynvml.nvmlDeviceGetUtilizationRates, handle)
        memory = _told(pynvml.nvmlDeviceGetMemoryInfo, handle)
    except pynvml.NVMLError as error:
        return replace(gpu, trouble=str(error))
    return replace(
        gpu,
        utilisation=None if rates is None else rates.gpu / 100,
        memory_used=None if memory is None else int(memory.used),
        memory_total=None if memory is None else int(memory.total),
    )


def _told(question: Any, handle: object) -> Any:
    """What NVML says; None where the GPU has no such thing. Raises NVMLError where something is wrong with it."""
    import pynvml

    try:
        return question(handle)
    except pynvml.NVMLError as error:
        if getattr(error, "value", None) == _NOT_SUPPORTED:
            return None
        raise


def visible_gpus(gpus: list[Gpu], text: str | None) -> tuple[list[Gpu], str]:
    """Those that ``CUDA_VISIBLE_DEVICES`` names, in its order and each once, and what is wrong with it.

    It names them by number, in the order of the PCI bus as nvidia-smi does, or by the beginning of an id.
    """
    if text is None:
        return gpus, ""
    visible: list[Gpu] = []
    for item in text.split(","):
        name = item.strip()
        if name.isdecimal():
            named = gpus[int(name) : int(name) + 1]
        else:
            named = [gpu for gpu in gpus if name and gpu.uuid is not None and gpu.uuid.startswith(name)]
        if len(named) > 1:
            return visible, f"CUDA_VISIBLE_DEVICES: {name!r} is the beginning of {len(named)} ids; write more of it"
        if not named:
            break  # CUDA, too, ignores everything after the first name that it does not know.
        if named[0] not in visible:
            visible.append(named[0])
    if gpus and not visible:
        return visible, f"CUDA_VISIBLE_DEVICES={text!r} hides all {len(gpus)} GPUs of this machine"
    return visible, ""
