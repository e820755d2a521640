"""The devices of this machine: its GPUs by NVML and the CPU by psutil; neither needs torch."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from saetui.jobs.exceptions import JobError
from saetui.jobs.gpus import Gpu, Gpus, close_nvml, look_at_gpus
from saetui.jobs.lease import machine_lease

# With less of its memory free than this a GPU is full: a job there would hardly begin.
_FULL = 0.1
# From this utilisation on a GPU computes for somebody.
_BUSY = 0.5


@dataclass(frozen=True)
class Device:
    """A device and how busy it is now."""

    name: str  # "cpu", "cuda:0", …: as a person names it, by what CUDA_VISIBLE_DEVICES makes visible
    label: str  # what it is sold as
    uuid: str | None  # of a GPU or a MIG instance
    utilisation: float | None  # share of recent time that it was computing, 0 to 1
    memory_used: int | None  # bytes
    memory_total: int | None  # bytes
    trouble: str = ""  # why it cannot be used
    held: int = 0  # bytes of a GPU's memory that this store's worker keeps between jobs

    @property
    def key(self) -> str:
        """What jobs and workers call it: numbers of GPUs differ from one terminal to the next, ids do not."""
        return self.uuid or self.name


def list_devices() -> list[Device]:
    """The GPUs that this process may use (``CUDA_VISIBLE_DEVICES``), then the CPU; some may be in trouble."""
    return [*_numbered(look_at_gpus()), _cpu()]


def devices_of(jobs_root: Path) -> list[Device]:
    """As ``list_devices``, with what the workers of a store keep of the GPUs' memory."""
    from saetui.jobs.launch import WorkerFiles

    devices = list_devices()
    return [replace(d, held=WorkerFiles(jobs_root, d.key).read_held() if d.uuid is not None else 0) for d in devices]


def usable_names() -> list[str]:
    """The names of the devices that jobs can be given to."""
    return [device.name for device in list_devices() if not device.trouble]


def gpu_trouble() -> str:
    """Why no GPU can be used, or not all of them; empty where nothing is wrong, or there is none."""
    gpus = look_at_gpus()
    return gpus.trouble or "; ".join(f"{d.name}: {d.trouble}" for d in _numbered(gpus) if d.trouble)


def find_device(name: str) -> Device:
    """The device of a name, or of an id: that of a job from another terminal can be one that this one does not see.

    Raises:
        JobError: this machine has no such device, or something is wrong with it.
    """
    gpus = look_at_gpus()
    devices = [*_numbered(gpus), _cpu()]
    hidden = [_of_gpu(_short(gpu.uuid), gpu) for gpu in gpus.hidden if gpu.uuid is not None]
    for device in [*devices, *hidden]:
        if name in (device.name, device.uuid):
            if device.trouble:
                raise JobError(f"device: {device.name} cannot be used: {device.trouble}")
            return device
    usable = ", ".join(device.name for device in devices if not device.trouble)
    why = f"; {gpus.trouble}" if gpus.trouble else ""
    raise JobError(f"device: {name!r} is not on this machine, which has {usable}{why}")


def name_of(key: str) -> str:
    """What this process calls the device of a key; one that is not visible to it by the beginning of its id."""
    if not key.startswith(("GPU-", "MIG-")):
        return key
    return _names(os.environ.get("CUDA_VISIBLE_DEVICES")).get(key, _short(key))


def forget_devices() -> None:
    """Have the driver asked again which GPUs there are, and what they are called."""
    close_nvml()
    _names.cache_clear()


@lru_cache(maxsize=8)
def _names(_visible: str | None) -> Mapping[str, str]:
    return {device.key: device.name for device in _numbered(look_at_gpus())}


def choose_device(open_jobs: Mapping[str, int], store_root: Path, *, but: str = "") -> tuple[Device, str]:
    """The device that a job had best be given to, and where that is the CPU, what is wrong with the GPUs.

    ``open_jobs``: how many jobs of this store each device has, by its key. A GPU on which another store computes comes
    last, before it those that are full; among others the one with the fewest jobs, then an idle one, then the one with
    the most free memory. Where torch cannot use it, as it is then asked, the CPU is chosen.
    ``but``: the key of a GPU that is not to be chosen.
    """
    devices = list_devices()
    gpus = [device for device in devices if device.uuid not in (None, but) and not device.trouble]
    if not gpus:
        return devices[-1], gpu_trouble()
    gpu = min(gpus, key=lambda gpu: _load(gpu, open_jobs.get(gpu.key, 0), store_root))
    why = torch_trouble(gpu)
    return (devices[-1], why) if why else (gpu, "")


def torch_trouble(device: Device) -> str:
    """Why torch cannot use a device, and what to do; empty where it can. The first answer takes some seconds."""
    if device.uuid is None:
        return ""
    from saetui.jobs.torch_check import ask_torch

    return ask_torch(device.uuid).trouble


def _load(gpu: Device, n_jobs: int, store_root: Path) -> tuple[bool, bool, int, bool, float]:
    assert gpu.uuid is not None
    holder = lease_holder(gpu)
    is_ours = holder == str(store_root)
    free = None if gpu.memory_used is None or not gpu.memory_total else 1 - gpu.memory_used / gpu.memory_total
    # What a worker of this store keeps there is given to its next job.
    is_full = free is not None and free < _FULL and not is_ours
    is_busy = gpu.utilisation is not None and gpu.utilisation >= _BUSY and not is_ours
    return holder is not None and not is_ours, is_full, n_jobs, is_busy, -(free or 0.0)


def lease_holder(gpu: Device) -> str | None:
    """The store that computes on a GPU of this machine now; None where none does, or that cannot be found out."""
    if gpu.uuid is None:
        return None
    try:
        lease = machine_lease(gpu.uuid)
        return None if lease.is_free() else lease.said("store")
    except (JobError, OSError):
        return None


def _numbered(gpus: Gpus) -> list[Device]:
    return [_of_gpu(f"cuda:{number}", gpu) for number, gpu in enumerate(gpus.found)]


def _of_gpu(name: str, gpu: Gpu) -> Device:
    return Device(name, gpu.label, gpu.uuid, gpu.utilisation, gpu.memory_used, gpu.memory_total, gpu.trouble)


def _short(uuid: str) -> str:
    return uuid[:12]


def _cpu() -> Device:
    import psutil

    memory = psutil.virtual_memory()
    label = f"CPU, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores"
    # Since the last call; the first one of a process has nothing to compare with and says 0.
    return Device("cpu", label, None, psutil.cpu_percent(None) / 100, memory.total - memory.available, memory.total)
