"""Devices, on a made-up machine."""

from types import SimpleNamespace

import pynvml
import pytest

from saetui.jobs import JobError
from saetui.jobs.devices import device_names, find_device, list_devices


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """GPU 1 is cut into two MIG instances, of seven possible."""
    instances = ["MIG-a", "MIG-b"]

    def mig_handle(gpu: str, index: int) -> str:
        if index >= len(instances):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return instances[index]

    def utilisation(handle: str) -> SimpleNamespace:
        if handle.startswith("MIG"):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return SimpleNamespace(gpu=25)

    gigabyte = 10**9
    fakes = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 3,
        "nvmlDeviceGetHandleByIndex": lambda index: f"GPU-{index}xyz",
        "nvmlDeviceGetUUID": lambda handle: handle,
        "nvmlDeviceGetName": lambda handle: f"H200 {handle[:3]}",
        "nvmlDeviceGetMigMode": lambda handle: (int(handle == "GPU-1xyz"), 0),
        "nvmlDeviceGetMaxMigDeviceCount": lambda _: 7,
        "nvmlDeviceGetMigDeviceHandleByIndex": mig_handle,
        "nvmlDeviceGetUtilizationRates": utilisation,
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(used=3 * gigabyte, total=140 * gigabyte),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(pynvml, name, fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_gpus_and_instances_come_before_the_cpu(three_gpus: None) -> None:
    devices = list_devices()
    assert [(device.name, device.uuid) for device in devices] == [
        ("cuda:0", "GPU-0xyz"),
        ("cuda:1", "MIG-a"),
        ("cuda:2", "MIG-b"),
        ("cuda:3", "GPU-2xyz"),
        ("cpu", None),
    ]
    assert devices[0].utilisation == 0.25
    assert devices[1].utilisation is None
    assert (devices[0].memory_used, devices[0].memory_total) == (3 * 10**9, 140 * 10**9)


@pytest.mark.parametrize(
    ("visible", "uuids"),
    [("3,0", ["GPU-2xyz", "GPU-0xyz"]), ("GPU-2", ["GPU-2xyz"]), ("", []), ("0,9,1", ["GPU-0xyz"]), ("-1", [])],
)
def test_only_visible_gpus_count(
    three_gpus: None, monkeypatch: pytest.MonkeyPatch, visible: str, uuids: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [device.uuid for device in list_devices() if device.uuid is not None] == uuids
    assert device_names()[-1] == "cpu"


def test_a_machine_without_a_driver_has_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    (cpu,) = list_devices()
    assert cpu.memory_used is not None
    assert cpu.memory_total is not None
    assert 0 < cpu.memory_used < cpu.memory_total
    assert cpu.label.startswith("CPU, ")
    with pytest.raises(JobError, match="device: 'cuda:0' is not on this machine, which has cpu"):
        find_device("cuda:0")
