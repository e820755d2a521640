"""Stands for NVML on a machine with one GPU, or two; put before the real one by PYTHONPATH."""

import os
from types import SimpleNamespace

NVML_DEVICE_MIG_ENABLE = 1
_UUIDS = ("GPU-made-up", "GPU-second")[: int(os.environ.get("MADE_UP_GPUS", "1"))]


class NVMLError(Exception):
    pass


def nvmlInit() -> None:  # noqa: N802
    pass


def nvmlShutdown() -> None:  # noqa: N802
    pass


def nvmlSystemGetDriverVersion() -> str:  # noqa: N802
    return "580.65"


def nvmlDeviceGetCount() -> int:  # noqa: N802
    return len(_UUIDS)


def nvmlDeviceGetHandleByIndex(index: int) -> str:  # noqa: N802
    return _UUIDS[index]


def nvmlDeviceGetUUID(handle: str) -> str:  # noqa: N802
    return handle


def nvmlDeviceGetName(handle: str) -> str:  # noqa: N802
    return "Made-up GPU"


def nvmlDeviceGetMigMode(handle: str) -> tuple[int, int]:  # noqa: N802
    return 0, 0


def nvmlDeviceGetUtilizationRates(handle: str) -> SimpleNamespace:  # noqa: N802
    return SimpleNamespace(gpu=0)


def nvmlDeviceGetMemoryInfo(handle: str) -> SimpleNamespace:  # noqa: N802
    return SimpleNamespace(used=0, total=10**9)
