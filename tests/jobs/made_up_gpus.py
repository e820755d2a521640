"""GPUs that are not there: what NVML would say of them, one field for each thing that can be wrong."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from saetui.jobs.devices import forget_devices

GIB = 2**30


@dataclass
class MadeUpGpu:
    """A GPU as a test wants it; ``errors`` maps the end of a function's name to the NVML error that it raises."""

    uuid: str
    name: str = "Made-up H100"
    used: int = 1 * GIB
    total: int = 80 * GIB
    busy: int = 0
    mig: bool = False
    instances: Sequence["MadeUpGpu"] = ()
    errors: dict[str, int] = field(default_factory=dict)


@dataclass
class MadeUpNvml:
    """What NVML is asked, and how often it was opened."""

    gpus: Sequence[MadeUpGpu]
    opened: int = 0
    init_error: int | None = None

    def init(self) -> None:
        if self.init_error is not None:
            raise pynvml.NVMLError(self.init_error)
        self.opened += 1

    def handle(self, index: int) -> MadeUpGpu:
        return self._asked(self.gpus[index], "HandleByIndex")

    def instance(self, gpu: MadeUpGpu, index: int) -> MadeUpGpu:
        if index >= len(gpu.instances):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return gpu.instances[index]

    @staticmethod
    def _asked(gpu: MadeUpGpu, what: str) -> MadeUpGpu:
        if what in gpu.errors:
            raise pynvml.NVMLError(gpu.errors[what])
        return gpu

    def answers(self) -> dict[str, Any]:
        asked = self._asked
        return {
            "nvmlInit": self.init,
            "nvmlShutdown": lambda: None,
            "nvmlSystemGetDriverVersion": lambda: "580.65",
            "nvmlDeviceGetCount": lambda: len(self.gpus),
            "nvmlDeviceGetHandleByIndex": self.handle,
            "nvmlDeviceGetUUID": lambda gpu: asked(gpu, "UUID").uuid,
            "nvmlDeviceGetName": lambda gpu: asked(gpu, "Name").name,
            "nvmlDeviceGetMigMode": lambda gpu: (int(asked(gpu, "MigMode").mig), 0),
            "nvmlDeviceGetMaxMigDeviceCount": lambda _: 7,
            "nvmlDeviceGetMigDeviceHandleByIndex": self.instance,
            "nvmlDeviceGetUtilizationRates": lambda gpu: SimpleNamespace(gpu=asked(gpu, "UtilizationRates").busy),
            "nvmlDeviceGetMemoryInfo": lambda gpu: SimpleNamespace(used=asked(gpu, "MemoryInfo").used, total=gpu.total),
        }


@contextmanager
def made_up_gpus(*gpus: MadeUpGpu, init_error: int | None = None) -> Iterator[MadeUpNvml]:
    """A machine with these GPUs, all of which are visible, and with leases that no real one has."""
    nvml = MadeUpNvml(gpus, init_error=init_error)
    with pytest.MonkeyPatch.context() as patch:
        for name, answer in nvml.answers().items():
            patch.setattr(pynvml, name, answer)
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        forget_devices()
        try:
            yield nvml
        finally:
            forget_devices()
