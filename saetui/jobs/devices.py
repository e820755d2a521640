"""The devices of this machine: its GPUs by NVML and the CPU by psutil; neither needs torch."""

import os
from dataclasses import dataclass

from saetui.jobs.exceptions import JobError


@dataclass(frozen=True)
class Device:
    """A device and how busy it is now."""

    name: str  # "cpu", "cuda:0", …: as jobs name it
    label: str  # what a person calls it
    uuid: str | None  # of a GPU or a MIG instance
    utilisation: float | None  # share of recent time that it was computing, 0 to 1
    memory_used: int | None  # bytes
    memory_total: int | None  # bytes


def list_devices() -> list[Device]:
    """The GPUs that this process may use (``CUDA_VISIBLE_DEVICES``), then the CPU."""
    return [*_gpus(), _cpu()]


def device_names() -> list[str]:
    return [device.name for device in list_devices()]


def find_device(name: str) -> Device:
    """The device of this name. Raises JobError where this machine has none."""
    devices = list_devices()
    for device in devices:
        if device.name == name:
            return device
    raise JobError(f"device: {name!r} is not on this machine, which has {', '.join(device.name for device in devices)}")


def _cpu() -> Device:
    import psutil

    memory = psutil.virtual_memory()
    label = f"CPU, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores"
    # Since the last call; the first one of a process has nothing to compare with and says 0.
    return Device("cpu", label, None, psutil.cpu_percent(None) / 100, memory.total - memory.available, memory.total)


def _gpus() -> list[Device]:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []  # No NVIDIA driver here.
    try:
        gpus: list[tuple[str, object, str]] = []
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            parts = _instances(handle)
            gpus += parts or [(pynvml.nvmlDeviceGetUUID(handle), handle, pynvml.nvmlDeviceGetName(handle))]
        visible = _visible([uuid for uuid, _, _ in gpus])
        by_uuid = {uuid: (handle, label) for uuid, handle, label in gpus}
        return [_gpu(number, uuid, *by_uuid[uuid]) for number, uuid in enumerate(visible)]
    finally:
        pynvml.nvmlShutdown()


def _instances(gpu: object) -> list[tuple[str, object, str]]:
    """The MIG instances of a GPU; none where it is whole."""
    import pynvml

    try:
        if pynvml.nvmlDeviceGetMigMode(gpu)[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            return []
        count = pynvml.nvmlDeviceGetMaxMigDeviceCount(gpu)
    except pynvml.NVMLError:
        return []
    found = []
    for index in range(count):
        try:
            instance = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index)
        except pynvml.NVMLError:
            continue  # Places for instances that were not made.
        found.append((pynvml.nvmlDeviceGetUUID(instance), instance, pynvml.nvmlDeviceGetName(instance)))
    return found


def _gpu(number: int, uuid: str, handle: object, label: str) -> Device:
    import pynvml

    try:
        utilisation = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
    except pynvml.NVMLError:
        utilisation = None  # MIG instances have none.
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return Device(f"cuda:{number}", label, uuid, utilisation, int(memory.used), int(memory.total))


def _visible(uuids: list[str]) -> list[str]:
    """Those that ``CUDA_VISIBLE_DEVICES`` names by number or by (the beginning of) an id, in its order."""
    text = os.environ.get("CUDA_VISIBLE_DEVICES")
    if text is None:
        return uuids
    visible = []
    for item in text.split(","):
        name = item.strip()
        match = [uuids[int(name)]] if name.isdigit() and int(name) < len(uuids) else []
        match = match or [uuid for uuid in uuids if name and uuid.startswith(name)]
        if not match:
            break  # CUDA, too, ignores everything after the first name it does not know.
        visible.append(match[0])
    return visible
