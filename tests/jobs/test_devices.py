"""Devices, on made-up machines."""

from pathlib import Path

import pynvml
import pytest

from saetui.jobs import JobError
from saetui.jobs.devices import choose_device, find_device, gpu_trouble, list_devices, name_of, usable_names
from saetui.jobs.lease import machine_lease
from saetui.jobs.torch_check import TorchAnswer

from .made_up_gpus import GIB, MadeUpGpu, made_up_gpus

NO_UTILISATION = {"UtilizationRates": pynvml.NVML_ERROR_NOT_SUPPORTED}


def three_gpus() -> tuple[MadeUpGpu, ...]:
    """GPU 1 is cut into two MIG instances, of seven possible."""
    instances = [MadeUpGpu("MIG-a", errors=NO_UTILISATION), MadeUpGpu("MIG-b", errors=NO_UTILISATION)]
    return (
        MadeUpGpu("GPU-0xyz", busy=25, used=3 * GIB, total=140 * GIB),
        MadeUpGpu("GPU-1xyz", mig=True, instances=instances),
        MadeUpGpu("GPU-2xyz"),
    )


@pytest.fixture(autouse=True)
def torch_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Torch can use every GPU, and no store has one."""
    monkeypatch.setattr("saetui.jobs.torch_check.ask_torch", lambda uuid: TorchAnswer("2.13.0", "12.9"))
    monkeypatch.setenv("SAETUI_LEASES", str(tmp_path / "leases"))


def chosen(store: Path, **open_jobs: int) -> str:
    return choose_device({key.replace("_", "-"): n for key, n in open_jobs.items()}, store)[0].name


def test_gpus_and_instances_come_before_the_cpu() -> None:
    with made_up_gpus(*three_gpus()):
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
    assert (devices[0].memory_used, devices[0].memory_total) == (3 * GIB, 140 * GIB)
    assert not any(device.trouble for device in devices)


@pytest.mark.parametrize(
    ("visible", "uuids"),
    [
        ("3,0", ["GPU-2xyz", "GPU-0xyz"]),
        ("GPU-2", ["GPU-2xyz"]),
        ("", []),
        ("0,9,1", ["GPU-0xyz"]),
        ("-1", []),
        ("0,0", ["GPU-0xyz"]),
        ("0,GPU-0,3", ["GPU-0xyz", "GPU-2xyz"]),
        (" 3 , MIG-b ", ["GPU-2xyz", "MIG-b"]),
    ],
)
def test_only_visible_gpus_count(monkeypatch: pytest.MonkeyPatch, visible: str, uuids: list[str]) -> None:
    with made_up_gpus(*three_gpus()):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert [device.uuid for device in list_devices() if device.uuid is not None] == uuids
        assert usable_names()[-1] == "cpu"


def test_the_beginning_of_several_ids_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with made_up_gpus(*three_gpus()):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,GPU-,3")
        assert usable_names() == ["cuda:0", "cpu"]
        with pytest.raises(JobError, match="'GPU-' is the beginning of 2 ids; write more of it"):
            find_device("cuda:1")


def test_gpus_that_are_hidden_are_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with made_up_gpus(*three_gpus()):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        with pytest.raises(JobError, match="CUDA_VISIBLE_DEVICES='' hides all 4 GPUs"):
            find_device("cuda:0")


def test_a_machine_without_a_driver_has_a_cpu() -> None:
    with made_up_gpus(init_error=pynvml.NVML_ERROR_LIBRARY_NOT_FOUND):
        (cpu,) = list_devices()
        assert gpu_trouble() == ""
        assert cpu.memory_used is not None
        assert cpu.memory_total is not None
        assert 0 < cpu.memory_used < cpu.memory_total
        assert cpu.label.startswith("CPU, ")
        with pytest.raises(JobError, match="device: 'cuda:0' is not on this machine, which has cpu"):
            find_device("cuda:0")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "driver was updated"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "does not answer"),
        (pynvml.NVML_ERROR_UNKNOWN, "does not answer"),
    ],
)
def test_a_driver_that_does_not_answer_is_not_taken_for_none(number: int, said: str) -> None:
    with made_up_gpus(init_error=number):
        assert usable_names() == ["cpu"]
        assert said in gpu_trouble()
        with pytest.raises(JobError, match=said):
            find_device("cuda:0")


# Where a GPU is asked, and what is wrong with it.
WRONG = [
    ("HandleByIndex", pynvml.NVML_ERROR_GPU_IS_LOST),
    ("HandleByIndex", pynvml.NVML_ERROR_NO_PERMISSION),
    ("UUID", pynvml.NVML_ERROR_GPU_IS_LOST),
    ("Name", pynvml.NVML_ERROR_GPU_IS_LOST),
    ("UtilizationRates", pynvml.NVML_ERROR_GPU_IS_LOST),
    ("MemoryInfo", pynvml.NVML_ERROR_NO_PERMISSION),
    ("MemoryInfo", pynvml.NVML_ERROR_RESET_REQUIRED),
    ("MemoryInfo", pynvml.NVML_ERROR_UNKNOWN),
]


@pytest.mark.parametrize(("where", "number"), WRONG)
def test_a_gpu_in_trouble_is_shown_and_the_others_are_used(tmp_path: Path, where: str, number: int) -> None:
    with made_up_gpus(MadeUpGpu("GPU-a", errors={where: number}), MadeUpGpu("GPU-b", busy=100, used=70 * GIB)):
        first, second, cpu = list_devices()
        assert first.trouble == str(pynvml.NVMLError(number))
        assert (second.name, second.trouble, cpu.name) == ("cuda:1", "", "cpu")
        assert usable_names() == ["cuda:1", "cpu"]
        assert chosen(tmp_path) == "cuda:1"
        assert find_device("cpu").name == "cpu"
        with pytest.raises(JobError, match="device: cuda:0 cannot be used: "):
            find_device("cuda:0")


def test_memory_that_is_not_told_is_allowed(tmp_path: Path) -> None:
    with made_up_gpus(MadeUpGpu("GPU-spark", errors={"MemoryInfo": pynvml.NVML_ERROR_NOT_SUPPORTED})):
        gpu = find_device("cuda:0")
        assert (gpu.memory_used, gpu.memory_total, gpu.trouble) == (None, None, "")
        assert chosen(tmp_path) == "cuda:0"


def test_mig_without_instances_is_no_device() -> None:
    with made_up_gpus(MadeUpGpu("GPU-cut", mig=True), MadeUpGpu("GPU-whole")):
        assert [device.key for device in list_devices()] == ["GPU-whole", "cpu"]


def test_the_driver_is_opened_once() -> None:
    with made_up_gpus(*three_gpus()) as nvml:
        for _ in range(5):
            list_devices()
        assert nvml.opened == 1


def test_the_freest_gpu_is_neither_full_nor_busy(tmp_path: Path) -> None:
    with made_up_gpus(MadeUpGpu("GPU-a", busy=100, used=79 * GIB), MadeUpGpu("GPU-b")):
        assert chosen(tmp_path) == "cuda:1"
    with made_up_gpus(MadeUpGpu("GPU-a", used=60 * GIB), MadeUpGpu("GPU-b", used=30 * GIB)):
        assert chosen(tmp_path) == "cuda:1"
        assert chosen(tmp_path, GPU_b=1) == "cuda:0", "one job less, and room enough"
    with made_up_gpus(MadeUpGpu("GPU-a", used=75 * GIB), MadeUpGpu("GPU-b", used=30 * GIB)):
        assert chosen(tmp_path, GPU_b=1) == "cuda:1", "the other one is full"
    with made_up_gpus(MadeUpGpu("GPU-a", busy=90, used=10 * GIB), MadeUpGpu("GPU-b", used=30 * GIB)):
        assert chosen(tmp_path) == "cuda:1"


def test_a_gpu_that_another_store_computes_on_is_left_to_it(tmp_path: Path) -> None:
    gpus = MadeUpGpu("GPU-a"), MadeUpGpu("GPU-b", busy=100, used=79 * GIB)
    with made_up_gpus(*gpus), machine_lease("GPU-a") as lease:
        assert lease.acquire({"store": "/somebody/else", "user": "ann"})
        assert chosen(tmp_path / "mine") == "cuda:1"
        lease.release()
        assert chosen(tmp_path / "mine") == "cuda:0"
        assert lease.acquire({"store": str(tmp_path / "mine"), "user": "me"})
        assert chosen(tmp_path / "mine") == "cuda:0", "what my worker keeps there is mine"


def test_without_a_gpu_that_can_be_used_the_cpu_is_chosen_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = MadeUpGpu("GPU-a", errors={"UUID": pynvml.NVML_ERROR_GPU_IS_LOST})
    with made_up_gpus(lost):
        device, why = choose_device({}, tmp_path)
        assert (device.name, why) == ("cpu", "cuda:0: GPU is lost")
    no_cuda = TorchAnswer("2.13.0+cpu", None, "torch 2.13.0+cpu is a build for CPUs")
    monkeypatch.setattr("saetui.jobs.torch_check.ask_torch", lambda uuid: no_cuda)
    with made_up_gpus(MadeUpGpu("GPU-a")):
        device, why = choose_device({}, tmp_path)
        assert (device.name, why) == ("cpu", no_cuda.trouble)


def test_ids_are_told_by_the_names_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with made_up_gpus(MadeUpGpu("GPU-aaaa-1111"), MadeUpGpu("GPU-bbbb-2222")):
        assert [name_of(key) for key in ("cpu", "cuda:7", "GPU-bbbb-2222")] == ["cpu", "cuda:7", "cuda:1"]
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        assert name_of("GPU-bbbb-2222") == "cuda:0"
        assert name_of("GPU-aaaa-1111") == "GPU-aaaa-111"
