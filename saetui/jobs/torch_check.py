"""Whether torch can use the GPUs that NVML shows: it is asked in a process of its own, once for each GPU."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from saetui.jobs.launch import child_environment

# Importing torch takes seconds, on a cold network disk a minute.
_PATIENCE_S = 180.0
_INDEX = "https://pytorch.org/get-started/locally"

# Run by `python -c`: tells what torch says of itself and of its first GPU, and tries that one.
_QUESTION = """
import json, warnings
told = {}
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    try:
        import torch
        told["torch"] = torch.__version__
        told["cuda"] = torch.version.cuda
        told["hip"] = getattr(torch.version, "hip", None)
        if torch.version.cuda is not None:
            told["compiled_for"] = torch.cuda.get_arch_list()
            told["available"] = torch.cuda.is_available()
            if told["available"]:
                told["name"] = torch.cuda.get_device_name(0)
                told["capability"] = list(torch.cuda.get_device_capability(0))
            told["works"] = float((torch.ones(8, device="cuda:0") * 2).sum()) == 16.0
    except Exception as error:
        told["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:500]
told["warnings"] = [str(w.message).splitlines()[0][:500] for w in warned][:3]
print(json.dumps(told))
"""


@dataclass(frozen=True)
class TorchAnswer:
    """What torch says of itself and of a GPU."""

    torch: str  # its version; empty where it cannot be imported
    cuda: str | None  # the version of CUDA that it was built with; None for a build for CPUs
    trouble: str = ""  # why it cannot use the GPU, and what to do


def installed_torch() -> str:
    """The version of torch that is installed, without importing it; empty where there is none."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""


def ask_torch(uuid: str) -> TorchAnswer:
    """Whether torch can use the GPU of this id; asked once in the life of this process. Takes some seconds."""
    return _asked(uuid, installed_torch(), sys.executable)


@lru_cache(maxsize=32)
def _asked(uuid: str, _installed: str, _python: str) -> TorchAnswer:
    environment = child_environment() | {"CUDA_VISIBLE_DEVICES": uuid, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _QUESTION],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=os.path.abspath(os.sep),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return TorchAnswer("", None, f"torch did not answer within {_PATIENCE_S:.0f} s whether it can use the GPU")
    lines = done.stdout.splitlines()
    try:
        told = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or [""])[-1]
        how = f"ended with code {done.returncode}" + (f" ({last[:200]})" if last else "")
        return TorchAnswer("", None, f"torch {how} when it was asked for the GPU; look whether it can be imported")
    return TorchAnswer(str(told.get("torch", "")), told.get("cuda"), why_not(told))


def why_not(told: Mapping[str, Any]) -> str:
    """Which of torch, driver and wheel keeps torch from the GPU, and what to install; empty where nothing does."""
    if told.get("works"):
        return ""
    error = str(told.get("error", ""))
    said = " ".join([error, *map(str, told.get("warnings", []))])
    torch = f"torch {told['torch']}" if told.get("torch") else "torch"
    if not told.get("torch"):
        return f"torch cannot be imported ({error or 'no answer'}); install it"
    if told.get("cuda") is None:
        kind = "AMD GPUs" if told.get("hip") else "CPUs"
        return f"{torch} is a build for {kind}; install one for CUDA, see {_INDEX}"
    built = f"{torch} was built for CUDA {told['cuda']}"
    if "driver" in said and "too old" in said:
        return (
            f"{built}, and the NVIDIA driver is too old for that; update the driver, or install an older build of torch"
        )
    compiled, capability = told.get("compiled_for") or [], told.get("capability")
    if "no kernel image" in said and capability:
        here = f"sm_{capability[0]}{capability[1]}"
        return (
            f"{built} and has no code for this GPU ({here}; it has {', '.join(compiled)}); "
            f"install a build that has, see {_INDEX}"
        )
    if "out of memory" in said:
        return ""  # It can be used; that it is full is seen elsewhere.
    if not told.get("available"):
        return f"{built} and finds no GPU ({said.strip() or 'it does not say why'}); look whether nvidia-smi does"
    return f"{built} and cannot compute on the GPU ({said.strip() or 'wrong result'})"
