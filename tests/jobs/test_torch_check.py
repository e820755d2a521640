"""What keeps torch from a GPU: asked of made-up builds of torch, each in a process of its own."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from saetui.jobs import torch_check
from saetui.jobs.torch_check import ask_torch

GOOD = """
__version__ = "2.13.0+cu129"
class version: cuda, hip = "12.9", None
class cuda:
    get_arch_list = staticmethod(lambda: ["sm_80", "sm_90"])
    is_available = staticmethod(lambda: AVAILABLE)
    get_device_name = staticmethod(lambda number: "Made-up H100")
    get_device_capability = staticmethod(lambda number: (12, 0))
class ones:
    def __init__(self, n, device):
        import os
        assert device == "cuda:0" and os.environ["CUDA_VISIBLE_DEVICES"].startswith("GPU-")
        assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
        COMPUTE
    __mul__ = lambda self, by: self
    sum = lambda self: 16
"""


def build(available: bool = True, compute: str = "pass", head: str = "") -> str:
    return head + GOOD.replace("AVAILABLE", str(available)).replace("COMPUTE", compute)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a module that poses as torch before the real one."""

    def write(source: str) -> None:
        (tmp_path / "torch.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
        torch_check._asked.cache_clear()

    return write


@pytest.fixture(autouse=True)
def forget() -> None:
    torch_check._asked.cache_clear()


CASES = {
    "works": (build(), ""),
    "wheel for CPUs": ('__version__ = "2.13.0+cpu"\nclass version: cuda, hip = None, None\n', "is a build for CPUs"),
    "wheel for AMD": ('__version__ = "2.13.0"\nclass version: cuda, hip = None, "6.4"\n', "is a build for AMD GPUs"),
    "driver too old": (
        build(False, 'raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).")'),
        "the NVIDIA driver is too old for that; update the driver",
    ),
    "no kernels": (
        build(compute='raise RuntimeError("CUDA error: no kernel image is available for execution on the device")'),
        "has no code for this GPU (sm_120; it has sm_80, sm_90)",
    ),
    "nothing found": (build(False, 'raise RuntimeError("No CUDA GPUs are available")'), "finds no GPU"),
    "full": (build(compute='raise RuntimeError("CUDA error: out of memory")'), ""),
    "broken": (build(compute='raise RuntimeError("CUDA error: uncorrectable ECC error")'), "cannot compute on the GPU"),
    "cannot be imported": ('raise ImportError("libcudart.so.12: cannot open shared object file")', "libcudart.so.12"),
    "crashes": ("import os; os._exit(7)", "torch ended with code 7"),
}


@pytest.mark.parametrize("case", CASES)
def test_who_is_to_blame_is_said(install: Callable[[str], None], case: str) -> None:
    source, said = CASES[case]
    install(source)
    answer = ask_torch("GPU-a")
    assert said in answer.trouble
    assert bool(said) == bool(answer.trouble)
    assert "\n" not in answer.trouble


def test_it_is_asked_once(install: Callable[[str], None], tmp_path: Path) -> None:
    marks = tmp_path / "asked"
    install(build(head=f"open({str(marks)!r}, 'a').write('x')\n"))
    for _ in range(3):
        assert ask_torch("GPU-a").trouble == ""
    assert marks.read_text() == "x"
