"""Stands for NVML on a machine with one GPU; put before the real one by PYTHONPATH."""

from types import SimpleNamespace

NVML_DEVICE_MIG_ENABLE = 1
_UUID = "GPU-made-up"


class NVMLError(Exception):
    pass


def nvmlInit() -> None:  # noqa: N802
    pass


def nvmlShutdown() -> None:  # noqa: N802
    pass


def nvmlDeviceGetCount() -> int:  # noqa: N802
    return 1


def nvmlDeviceGetHandleByIndex(index: int) -> str:  # noqa: N802
    return _UUID


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
